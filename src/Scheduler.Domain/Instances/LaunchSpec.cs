using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Domain.Instances;

/// <summary>What a caller wants to run, and where. It can be changed only while the instance is stopped or failed.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.LaunchSpec")]
public sealed record LaunchSpec
{
    /// <summary>From the shipped catalogue (<c>Qwen/Qwen2.5-7B</c>), or registered by the account.</summary>
    [Id(0)]
    public string Model { get; init; } = "";

    /// <summary>Null for the published one.</summary>
    [Id(1)]
    public string? WeightFormat { get; init; }

    /// <summary><c>auto</c>, <c>fp16</c>, <c>fp8</c>, <c>q8</c> or <c>q4</c>.</summary>
    [Id(2)]
    public string KvFormat { get; init; } = "auto";

    /// <summary>≥ 1.</summary>
    [Id(3)]
    public long ContextTokens { get; init; } = 8192;

    /// <summary>Sequences at full context that the memory must hold together, ≥ 1.</summary>
    [Id(4)]
    public int ParallelSequences { get; init; } = 1;

    /// <summary>Runtime preset: <c>vllm</c>, <c>llama-server</c>, or a custom one.</summary>
    [Id(5)]
    public string Runtime { get; init; } = "vllm";

    [Id(6)]
    public ImmutableArray<string> RuntimeArguments { get; init; } = [];

    [Id(7)]
    public SmartConstraints Constraints { get; init; } = SmartConstraints.None;

    /// <summary>Whether the scheduler starts the instance on another route when a route fails.</summary>
    [Id(8)]
    public bool AutoReroute { get; init; }

    /// <summary>Null for the configured default.</summary>
    [Id(9)]
    public TimeSpan? AllocationTimeout { get; init; }

    /// <summary>Maximum wait for the runtime to become healthy; null for the configured default.</summary>
    [Id(10)]
    public TimeSpan? StartTimeout { get; init; }

    /// <summary>
    /// Most requests that the runtime processes at the same time, ≥ <see cref="ParallelSequences"/>; null for the engine's default.
    /// </summary>
    [Id(11)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? SequencesAtOnce { get; init; }

    /// <summary>Environment variables of the runtime by name; null for none.</summary>
    [Id(12)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImmutableSortedDictionary<string, EnvironmentValue>? Environment { get; init; }

    /// <summary>Container image instead of the engine's own; null for that.</summary>
    [Id(13)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Image { get; init; }

    /// <summary>
    /// How long a launch may wait for capacity to appear when there is none; null for not at all. Counted from the first refusal.
    /// </summary>
    [Id(14)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TimeSpan? WaitForCapacity { get; init; }

    /// <summary>The environment; empty for none.</summary>
    [JsonIgnore]
    public ImmutableSortedDictionary<string, EnvironmentValue> Variables =>
        Environment ?? ImmutableSortedDictionary<string, EnvironmentValue>.Empty;

    /// <summary>Names of the secrets that the environment needs.</summary>
    [JsonIgnore]
    public ImmutableArray<string> SecretsNamed =>
        [.. Variables.Values.Select(value => value.Secret).OfType<string>().Distinct(StringComparer.Ordinal)];
}

using System.Collections.Immutable;
using Scheduler.Domain.Placement;

namespace Scheduler.Domain.Instances;

/// <summary>
/// The model, runtime and constraints of an instance. Can be changed while the instance is stopped or failed.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.LaunchSpec")]
public sealed record LaunchSpec
{
    /// <summary>
    /// A model name from the shipped catalogue (<c>Qwen/Qwen2.5-7B</c>), or a model that the account registered.
    /// </summary>
    [Id(0)]
    public string Model { get; init; } = "";

    /// <summary>Weight format; null for the published one.</summary>
    [Id(1)]
    public string? WeightFormat { get; init; }

    /// <summary>Format of the KV cache: <c>auto</c>, <c>fp16</c> or <c>fp8</c>.</summary>
    [Id(2)]
    public string KvFormat { get; init; } = "auto";

    /// <summary>Context length, tokens, ≥ 1.</summary>
    [Id(3)]
    public long ContextTokens { get; init; } = 8192;

    /// <summary>Maximum number of sequences in parallel, ≥ 1.</summary>
    [Id(4)]
    public int ParallelSequences { get; init; } = 1;

    /// <summary>Runtime preset: <c>vllm</c>, <c>llama-server</c>, or a custom one.</summary>
    [Id(5)]
    public string Runtime { get; init; } = "vllm";

    [Id(6)]
    public ImmutableArray<string> RuntimeArguments { get; init; } = [];

    /// <summary>Constraints on the capacity.</summary>
    [Id(7)]
    public SmartConstraints Constraints { get; init; } = SmartConstraints.None;

    /// <summary>Whether the scheduler starts the instance on another route when a route fails.</summary>
    [Id(8)]
    public bool AutoReroute { get; init; }

    /// <summary>Maximum wait for capacity; null for the configured default.</summary>
    [Id(9)]
    public TimeSpan? AllocationTimeout { get; init; }

    /// <summary>Maximum wait for the runtime to become healthy; null for the configured default.</summary>
    [Id(10)]
    public TimeSpan? StartTimeout { get; init; }
}

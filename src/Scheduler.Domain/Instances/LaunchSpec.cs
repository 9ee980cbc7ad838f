using System.Collections.Immutable;
using Scheduler.Domain.Placement;

namespace Scheduler.Domain.Instances;

/// <summary>What an instance runs and under which constraints; may be changed while the instance is stopped or failed.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.LaunchSpec")]
public sealed record LaunchSpec
{
    /// <summary>Which model: a name from the shipped catalogue (<c>Qwen/Qwen2.5-7B</c>) or one the account registered.</summary>
    [Id(0)]
    public string Model { get; init; } = "";

    /// <summary>Weight format to run it in; null for the one it was published in.</summary>
    [Id(1)]
    public string? WeightFormat { get; init; }

    /// <summary>Format of the KV cache: <c>auto</c>, <c>fp16</c>, <c>fp8</c>.</summary>
    [Id(2)]
    public string KvFormat { get; init; } = "auto";

    /// <summary>Configured context, tokens, ≥ 1.</summary>
    [Id(3)]
    public long ContextTokens { get; init; } = 8192;

    /// <summary>Sequences served at once, ≥ 1.</summary>
    [Id(4)]
    public int ParallelSequences { get; init; } = 1;

    /// <summary>Runtime preset: <c>vllm</c>, <c>llama-server</c>, or a custom one.</summary>
    [Id(5)]
    public string Runtime { get; init; } = "vllm";

    /// <summary>Extra runtime arguments.</summary>
    [Id(6)]
    public ImmutableArray<string> RuntimeArguments { get; init; } = [];

    /// <summary>What is asked of the capacity.</summary>
    [Id(7)]
    public SmartConstraints Constraints { get; init; } = SmartConstraints.None;

    /// <summary>Whether the scheduler itself starts again on another route when a route fails.</summary>
    [Id(8)]
    public bool AutoReroute { get; init; }

    /// <summary>Longest wait for capacity; null for the configured default.</summary>
    [Id(9)]
    public TimeSpan? AllocationTimeout { get; init; }

    /// <summary>Longest wait for the runtime to become healthy; null for the configured default.</summary>
    [Id(10)]
    public TimeSpan? StartTimeout { get; init; }
}

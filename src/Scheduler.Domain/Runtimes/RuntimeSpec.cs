using System.Collections.Immutable;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Runtimes;

/// <summary>All a provider needs to start the runtime on the allocated capacity.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.RuntimeSpec")]
public sealed record RuntimeSpec
{
    /// <summary>Name of the preset: that of an engine (<c>vllm</c>), or a custom one from configuration.</summary>
    [Id(0)]
    public string Preset { get; init; } = "vllm";

    /// <summary>Model that the runtime loads; see <see cref="ModelSource"/>.</summary>
    [Id(1)]
    public string Model { get; init; } = "";

    [Id(2)]
    public string ServingName { get; init; } = "";

    /// <summary>Configured context, tokens, ≥ 1.</summary>
    [Id(3)]
    public long ContextTokens { get; init; } = 1;

    /// <summary>Sequences at full context that the cache must hold together, ≥ 1.</summary>
    [Id(4)]
    public int ParallelSequences { get; init; } = 1;

    /// <summary>Number of GPUs the model is split over, ≥ 1.</summary>
    [Id(5)]
    public int TensorParallel { get; init; } = 1;

    /// <summary>
    /// Passed where the preset says, each as one argument. Those that state a quantity are part of <see cref="Plan"/>
    /// instead.
    /// </summary>
    [Id(6)]
    public ImmutableArray<string> ExtraArguments { get; init; } = [];

    /// <summary>What was judged; null from a silo of an older version, which judged without formats and shares.</summary>
    [Id(7)]
    public LaunchPlan? Plan { get; init; }

    /// <summary>Container image instead of the engine's own; null for that.</summary>
    [Id(8)]
    public string? Image { get; init; }

    /// <summary>The plan, or what the other members say of it.</summary>
    internal LaunchPlan PlanFor(string engine) =>
        Plan ?? new LaunchPlan(null, KvFormat.Bf16, ContextTokens, ParallelSequences, engine).On(TensorParallel);
}

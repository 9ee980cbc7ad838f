using System.Collections.Immutable;

namespace Scheduler.Domain.Runtimes;

/// <summary>All a provider needs to start the runtime on the allocated capacity.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.RuntimeSpec")]
public sealed record RuntimeSpec
{
    /// <summary>Name of the preset: <c>vllm</c>, <c>llama-server</c>, or a custom one from configuration.</summary>
    [Id(0)]
    public string Preset { get; init; } = "vllm";

    /// <summary>Model that the runtime loads: a Hugging Face id or a path on the host.</summary>
    [Id(1)]
    public string Model { get; init; } = "";

    [Id(2)]
    public string ServingName { get; init; } = "";

    /// <summary>Configured context, tokens, ≥ 1.</summary>
    [Id(3)]
    public long ContextTokens { get; init; } = 1;

    /// <summary>Maximum number of concurrent sequences, ≥ 1.</summary>
    [Id(4)]
    public int ParallelSequences { get; init; } = 1;

    /// <summary>Number of GPUs the model is split over, ≥ 1.</summary>
    [Id(5)]
    public int TensorParallel { get; init; } = 1;

    /// <summary>Passed after the preset's own arguments, each as one argument.</summary>
    [Id(6)]
    public ImmutableArray<string> ExtraArguments { get; init; } = [];
}

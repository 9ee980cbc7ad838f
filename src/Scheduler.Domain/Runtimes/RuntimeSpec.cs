using System.Collections.Immutable;

namespace Scheduler.Domain.Runtimes;

/// <summary>What to run on the capacity: enough for a provider to boot the runtime without asking back.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.RuntimeSpec")]
public sealed record RuntimeSpec
{
    /// <summary>Name of the preset: <c>vllm</c>, <c>llama-server</c>, or a custom one from configuration.</summary>
    [Id(0)]
    public string Preset { get; init; } = "vllm";

    /// <summary>What the runtime is told to load: a Hugging Face id or a path the host knows.</summary>
    [Id(1)]
    public string Model { get; init; } = "";

    /// <summary>The name the runtime serves the model under.</summary>
    [Id(2)]
    public string ServingName { get; init; } = "";

    /// <summary>Configured context, tokens, ≥ 1.</summary>
    [Id(3)]
    public long ContextTokens { get; init; } = 1;

    /// <summary>Sequences served at once, ≥ 1.</summary>
    [Id(4)]
    public int ParallelSequences { get; init; } = 1;

    /// <summary>GPUs the model is split over, ≥ 1.</summary>
    [Id(5)]
    public int TensorParallel { get; init; } = 1;

    /// <summary>Extra arguments, passed after the preset's own, each as one argument.</summary>
    [Id(6)]
    public ImmutableArray<string> ExtraArguments { get; init; } = [];
}

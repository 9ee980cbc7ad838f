using System.Globalization;

namespace Scheduler.ModelFit;

/// <summary>
/// What a launch asks of an engine as far as memory depends on it. The estimate reads it, the engine's command line is
/// printed from it, and it travels to the provider. So what is judged is what runs.
/// </summary>
/// <param name="Format">Requested weight format; null for the published one.</param>
/// <param name="ContextTokens">Context of one sequence, tokens, from 1 to the model's maximum.</param>
/// <param name="ParallelSequences">
/// Sequences at full context that the cache must hold together, from 1 to <see cref="MaxParallelSequences"/>.
/// </param>
/// <param name="EnginePreset">Name of the engine, or of a preset without one, which is judged as vLLM.</param>
/// <param name="Shortfall">What earlier runs needed above the estimate; null when none ran out of memory.</param>
[GenerateSerializer, Immutable, Alias("scheduler.FitRequest")]
public sealed record LaunchPlan(
    [property: Id(0)] WeightFormat? Format,
    [property: Id(1)] KvFormat Kv,
    [property: Id(2)] long ContextTokens,
    [property: Id(3)] int ParallelSequences,
    [property: Id(4)] string EnginePreset,
    [property: Id(5)] VramShortfall? Shortfall = null
)
{
    /// <summary>Largest context when the model states no maximum: 2^27 tokens, above any published one.</summary>
    public const long MaxContextTokens = 1L << 27;

    /// <summary>Engines schedule at most a few thousand concurrent sequences.</summary>
    public const int MaxParallelSequences = 65_536;

    /// <summary>Most sequences that the engine computes together, ≥ 1; null for the engine's default.</summary>
    [Id(6)]
    public int? SequencesAtOnce { get; init; }

    /// <summary>Share of each GPU's memory that the engine uses, thousandths; null for the engine's default.</summary>
    [Id(7)]
    public int? MemoryPerMille { get; init; }

    /// <summary>Most tokens that the engine computes in one step, ≥ 1; null for the engine's default.</summary>
    [Id(8)]
    public long? BatchTokens { get; init; }

    /// <summary>
    /// Whether each GPU holds whole experts instead of a slice of every expert. Both need the same memory when the number
    /// of GPUs divides the experts.
    /// </summary>
    [Id(9)]
    public bool HasWholeExperts { get; init; }

    /// <summary>Room for LoRA adapters; null for none.</summary>
    [Id(10)]
    public LoraSlots? Lora { get; init; }

    /// <summary>Speculative decoding; null for none.</summary>
    [Id(11)]
    public DraftModel? Draft { get; init; }

    /// <summary>Number of GPUs that share every layer, ≥ 1.</summary>
    [Id(12)]
    public int TensorParallel { get; init; } = 1;

    /// <summary>Number of GPUs over which whole layers are distributed, ≥ 1.</summary>
    [Id(13)]
    public int PipelineParallel { get; init; } = 1;

    /// <summary>
    /// What earlier starts of this shape reported; null when none did. An input of the judgement only: never stored with a
    /// plan.
    /// </summary>
    [Id(14), System.Text.Json.Serialization.JsonIgnore]
    public MemoryLessons? Lessons { get; init; }

    /// <summary>The plan on a number of GPUs of one host, split as its engine does.</summary>
    public LaunchPlan On(int gpus) =>
        EngineProfile.Of(EnginePreset).SplitsLayers
            ? this with
            {
                TensorParallel = 1,
                PipelineParallel = gpus,
            }
            : this with
            {
                TensorParallel = gpus,
                PipelineParallel = 1,
            };

    /// <summary>Sequences whose next tokens the engine computes together, as far as the plan states them.</summary>
    internal int ComputedSequences => Math.Max(ParallelSequences, SequencesAtOnce ?? 1);

    /// <returns>The first validation error, or null for a valid plan.</returns>
    public FitRequestRefusal? Validate(ModelFacts model)
    {
        if (ContextTokens < 1)
        {
            return Refuse(FitRequestFault.ContextBelowOne, ContextTokens, 1, "context_tokens must be at least 1");
        }

        var max = model.MaxContextTokens ?? MaxContextTokens;
        if (ContextTokens > max)
        {
            return Refuse(
                FitRequestFault.ContextExceedsModelMaximum,
                ContextTokens,
                max,
                "context_tokens exceeds the model's maximum"
            );
        }

        return ParallelSequences is < 1 or > MaxParallelSequences
            ? Refuse(
                FitRequestFault.ParallelSequencesOutOfRange,
                ParallelSequences,
                ParallelSequences < 1 ? 1 : MaxParallelSequences,
                "parallel_sequences is out of range"
            )
            : null;
    }

    private static FitRequestRefusal Refuse(FitRequestFault fault, long value, long limit, string what) =>
        new(fault, value, limit, string.Create(CultureInfo.InvariantCulture, $"{what}: {value}, limit {limit}."));
}

public enum FitRequestFault
{
    ContextBelowOne = 1,

    ContextExceedsModelMaximum = 2,

    /// <summary>Fewer than one sequence, or more than any engine schedules.</summary>
    ParallelSequencesOutOfRange = 3,
}

/// <summary>Why a request is invalid for a model on any GPU.</summary>
/// <param name="Limit">Nearest accepted value.</param>
[GenerateSerializer, Immutable, Alias("scheduler.FitRequestRefusal")]
public sealed record FitRequestRefusal(
    [property: Id(0)] FitRequestFault Fault,
    [property: Id(1)] long Value,
    [property: Id(2)] long Limit,
    [property: Id(3)] string Message
);

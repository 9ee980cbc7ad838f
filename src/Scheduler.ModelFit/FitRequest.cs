using System.Globalization;

namespace Scheduler.ModelFit;

/// <summary>Launch parameters that decide the VRAM need, besides the model itself.</summary>
/// <param name="Format">Requested weight format; null for the published one.</param>
/// <param name="ContextTokens">Context of one sequence, tokens, from 1 to the model's maximum.</param>
/// <param name="ParallelSequences">
/// Concurrent sequences at full context, from 1 to <see cref="MaxParallelSequences"/>.
/// </param>
/// <param name="EnginePreset">
/// Runtime preset: <c>vllm</c>, <c>llama-server</c>; any other name is judged as vLLM.
/// </param>
/// <param name="Shortfall">What earlier runs needed above the estimate; null when none ran out of memory.</param>
[GenerateSerializer, Immutable, Alias("scheduler.FitRequest")]
public sealed record FitRequest(
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

    /// <returns>The first validation error, or null for a valid request.</returns>
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

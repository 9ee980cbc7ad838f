using System.Globalization;

namespace Scheduler.Domain.Compatibility;

/// <summary>What of a launch decides how much VRAM it needs, beside the model itself.</summary>
/// <param name="Format">Weight format the engine is told to use; null for the published one.</param>
/// <param name="Kv">How the KV cache is held.</param>
/// <param name="ContextTokens">Context of one sequence, tokens, from 1 to the model's maximum.</param>
/// <param name="ParallelSequences">Sequences served at once at full context, from 1 to <see cref="MaxParallelSequences"/>.</param>
/// <param name="EnginePreset">Runtime preset: <c>vllm</c>, <c>llama-server</c>; any other name is judged as vLLM.</param>
[GenerateSerializer, Immutable, Alias("scheduler.FitRequest")]
public sealed record FitRequest(
    [property: Id(0)] WeightFormat? Format,
    [property: Id(1)] KvFormat Kv,
    [property: Id(2)] long ContextTokens,
    [property: Id(3)] int ParallelSequences,
    [property: Id(4)] string EnginePreset
)
{
    /// <summary>Largest context judged where the model states no maximum: 2^27, above any published one.</summary>
    public const long MaxContextTokens = 1L << 27;

    /// <summary>Most sequences at once; engines schedule at most a few thousand.</summary>
    public const int MaxParallelSequences = 65_536;

    /// <summary>Checks the ranges against a model.</summary>
    /// <returns>The first fault, or null when the request makes sense.</returns>
    public FitRequestRefusal? Validate(ModelFacts model)
    {
        ArgumentNullException.ThrowIfNull(model);
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

/// <summary>What is wrong with a <see cref="FitRequest"/>.</summary>
public enum FitRequestFault
{
    /// <summary>Context below one token.</summary>
    ContextBelowOne = 1,

    /// <summary>Context exceeds what the model was made for.</summary>
    ContextExceedsModelMaximum = 2,

    /// <summary>Fewer than one sequence, or more than any engine schedules.</summary>
    ParallelSequencesOutOfRange = 3,
}

/// <summary>Why a request makes no sense for a model, whatever the GPU.</summary>
/// <param name="Fault">What is wrong.</param>
/// <param name="Value">The value found.</param>
/// <param name="Limit">The nearest value accepted.</param>
/// <param name="Message">One sentence.</param>
[GenerateSerializer, Immutable, Alias("scheduler.FitRequestRefusal")]
public sealed record FitRequestRefusal(
    [property: Id(0)] FitRequestFault Fault,
    [property: Id(1)] long Value,
    [property: Id(2)] long Limit,
    [property: Id(3)] string Message
);

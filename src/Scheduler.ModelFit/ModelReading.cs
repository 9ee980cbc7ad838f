using System.Diagnostics.CodeAnalysis;

namespace Scheduler.ModelFit;

public sealed record ModelReading
{
    private ModelReading(ModelFacts? facts, ModelRefusal? refusal)
    {
        Facts = facts;
        Refusal = refusal;
    }

    public ModelFacts? Facts { get; }

    public ModelRefusal? Refusal { get; }

    [MemberNotNullWhen(true, nameof(Facts))]
    [MemberNotNullWhen(false, nameof(Refusal))]
    public bool IsRead => Facts is not null;

    public static ModelReading Of(ModelFacts facts) => new(facts, null);

    public static ModelReading Refused(ModelRefusal refusal) => new(null, refusal);
}

/// <summary>Why a model file was refused, in a form that the sender may see.</summary>
/// <param name="Message">One sentence: the value found and the accepted values.</param>
/// <param name="BytesNeeded">
/// For <see cref="ModelRefusalKind.NeedMoreBytes"/>: the minimum number of bytes from the start of the file.
/// </param>
[GenerateSerializer, Immutable, Alias("scheduler.ModelRefusal")]
public sealed record ModelRefusal(
    [property: Id(0)] ModelRefusalKind Kind,
    [property: Id(1)] string Field,
    [property: Id(2)] string Message,
    [property: Id(3)] long? BytesNeeded = null
);

public enum ModelRefusalKind
{
    TooLarge = 1,

    /// <summary>The file does not have the expected format (not JSON, not GGUF, truncated).</summary>
    Malformed = 2,

    MissingField = 3,

    /// <summary>A field has the wrong type, or a value that no model has.</summary>
    BadField = 4,

    /// <summary>Well formed, but not supported by the parser (quantization method, GGUF version).</summary>
    Unsupported = 5,

    /// <summary>The header continues after the bytes given; see <see cref="ModelRefusal.BytesNeeded"/>.</summary>
    NeedMoreBytes = 6,
}

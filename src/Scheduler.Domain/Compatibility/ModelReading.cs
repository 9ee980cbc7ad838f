using System.Diagnostics.CodeAnalysis;

namespace Scheduler.Domain.Compatibility;

/// <summary>What came of reading a model file: its facts, or why not.</summary>
public sealed record ModelReading
{
    private ModelReading(ModelFacts? facts, ModelRefusal? refusal)
    {
        Facts = facts;
        Refusal = refusal;
    }

    /// <summary>The facts, or null.</summary>
    public ModelFacts? Facts { get; }

    /// <summary>Why there are none, or null.</summary>
    public ModelRefusal? Refusal { get; }

    /// <summary>Whether there are facts.</summary>
    [MemberNotNullWhen(true, nameof(Facts))]
    [MemberNotNullWhen(false, nameof(Refusal))]
    public bool IsRead => Facts is not null;

    /// <summary>The file was understood.</summary>
    public static ModelReading Of(ModelFacts facts) => new(facts, null);

    /// <summary>The file was refused.</summary>
    public static ModelReading Refused(ModelRefusal refusal) => new(null, refusal);
}

/// <summary>A refusal to read a model file, fit to be shown to who sent it.</summary>
/// <param name="Kind">What kind of fault.</param>
/// <param name="Field">The field or part of the file at fault.</param>
/// <param name="Message">One sentence: what was found and what is accepted.</param>
/// <param name="BytesNeeded">For <see cref="ModelRefusalKind.NeedMoreBytes"/>: at least this many bytes from the start.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ModelRefusal")]
public sealed record ModelRefusal(
    [property: Id(0)] ModelRefusalKind Kind,
    [property: Id(1)] string Field,
    [property: Id(2)] string Message,
    [property: Id(3)] long? BytesNeeded = null
);

/// <summary>Why a model file was refused.</summary>
public enum ModelRefusalKind
{
    /// <summary>Larger than this parser reads.</summary>
    TooLarge = 1,

    /// <summary>Not the format it should be (not JSON, not GGUF, broken off in the middle).</summary>
    Malformed = 2,

    /// <summary>A field that is needed is absent.</summary>
    MissingField = 3,

    /// <summary>A field has the wrong type, or a value no model has.</summary>
    BadField = 4,

    /// <summary>Well formed, but of a kind this parser does not know (quantization method, GGUF version).</summary>
    Unsupported = 5,

    /// <summary>The header goes on after the bytes given; see <see cref="ModelRefusal.BytesNeeded"/>.</summary>
    NeedMoreBytes = 6,
}

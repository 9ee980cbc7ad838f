using System.Collections.Immutable;
using Scheduler.Domain.Firewalls;
using Scheduler.Grains;
using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Guard;

/// <summary>
/// What a model can read of a request, piece by piece, and the body written from exactly these pieces. In block mode a
/// runtime gets that body and never the client's bytes, so it reads nothing that the judge was not shown (INV-10).
/// </summary>
internal sealed record PromptReading
{
    private InferenceRequest? _guarded;

    /// <summary>The request as the client sent it.</summary>
    public required InferenceRequest Request { get; init; }

    /// <summary>The content of all known members, in the order of the body.</summary>
    public required ImmutableArray<PromptPart> Parts { get; init; }

    /// <summary>The content of unknown members and of wrong values. It is not in <see cref="Body"/>.</summary>
    public ImmutableArray<PromptPart> Unread { get; init; } = [];

    /// <summary>All token ids in prompts, in the order of the body.</summary>
    public ImmutableArray<int> Ids { get; init; } = [];

    /// <summary>Values that cannot be judged, each with its member.</summary>
    public ImmutableArray<FieldFault> Faults { get; init; } = [];

    /// <summary>Members that no supported engine knows.</summary>
    public ImmutableArray<FieldFault> Unknown { get; init; } = [];

    /// <summary>The body without what was not read.</summary>
    public Memory<byte> Body { get; init; }

    /// <summary>The request with <see cref="Body"/>. Only for a reading without <see cref="Faults"/>.</summary>
    public InferenceRequest Guarded() =>
        _guarded ??= RequestReader.Read(Request.Kind, Body) with { Session = Request.Session };

    /// <summary>What a judge is asked about.</summary>
    /// <param name="idsAsText">The text of <see cref="Ids"/>; null when no runtime has told it.</param>
    /// <param name="seesImages">Whether the judge reads images.</param>
    /// <param name="isGuarded">Whether the runtime gets <see cref="Body"/>, not the client's bytes.</param>
    public JudgeInput InputFor(string? idsAsText, bool seesImages, bool isGuarded)
    {
        var parts = ImmutableArray.CreateBuilder<JudgeInputPart>(Parts.Length + Unread.Length);
        var images = ImmutableArray.CreateBuilder<string>();
        var isWhole = true;
        foreach (var part in isGuarded ? Parts : Parts.AddRange(Unread))
        {
            switch (part.Kind)
            {
                case PartKind.Ids when idsAsText is not null:
                    parts.Add(new(part.Role, idsAsText));
                    break;
                case PartKind.Image when seesImages:
                    images.Add(part.Image!);
                    parts.Add(new(part.Role, part.Text));
                    break;
                case PartKind.Text:
                    parts.Add(new(part.Role, part.Text));
                    break;
                case PartKind.Ids or PartKind.Image or PartKind.Media:
                    isWhole = false;
                    parts.Add(new(part.Role, part.Text));
                    break;
                default:
                    throw new System.Diagnostics.UnreachableException();
            }
        }

        return new JudgeInput(parts.DrainToImmutable()) { Images = images.DrainToImmutable(), IsWhole = isWhole };
    }
}

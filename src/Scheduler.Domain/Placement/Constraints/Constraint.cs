namespace Scheduler.Domain.Placement.Constraints;

/// <summary>
/// One yes/no question about an offer. Each answers in two ways that must agree (a property test holds them together): for all
/// rows at once as a bit plane, which is what a decision reads, and for one offer with its margin, which is what "why not" reads.
/// A constraint that the caller can loosen also says how.
/// </summary>
internal abstract class Constraint
{
    /// <summary>Wire name, lower snake case; public and stable.</summary>
    public abstract string Name { get; }

    /// <summary>Why an offer is refused here, to follow "N offers: …".</summary>
    public abstract string Reason { get; }

    /// <summary>Whether the caller can change it. What fits, what is available and who is healthy, nobody can.</summary>
    public virtual bool Relaxable => true;

    /// <summary>Whether the request asks anything of it; if not, it refuses no offer.</summary>
    public abstract bool Asks(PlacementRequest request);

    /// <summary>The rows it refuses. Called only when it <see cref="Asks"/>.</summary>
    /// <param name="snapshot">All offers.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="scratch">A plane to write to, with old content, for an answer that the snapshot does not keep.</param>
    /// <returns><paramref name="scratch"/>, or a plane of the snapshot. Padding bits mean nothing.</returns>
    public abstract BitPlane Refused(OfferSnapshot snapshot, PlacementRequest request, BitPlane scratch);

    /// <summary>What one offer lacks; null when it is admitted.</summary>
    public abstract Miss? Check(Offer offer, PlacementRequest request);

    /// <summary>
    /// Of candidates that it refuses, keeps those with the value nearest to the one asked for. Where values have no distance
    /// (regions, providers), all are equally near and the ranking decides.
    /// </summary>
    public virtual void KeepNearest(OfferSnapshot snapshot, PlacementRequest request, Span<ulong> candidates) { }

    /// <summary>The constraints, loosened just so far that this one admits the offer.</summary>
    public virtual SmartConstraints Loosen(SmartConstraints constraints, Offer target) => throw NotRelaxable();

    /// <summary>The same, as an instruction.</summary>
    public virtual ConstraintEdit Edit(SmartConstraints constraints, Offer target) => throw NotRelaxable();

    /// <summary>Refused are all rows but those of some values of a column.</summary>
    private protected static BitPlane AllBut(
        BitPlane scratch,
        ValueIndex index,
        string[] dictionary,
        ReadOnlySpan<string> admitted
    )
    {
        var refused = scratch.Span;
        refused.Fill(ulong.MaxValue);
        foreach (var value in admitted)
        {
            var code = OfferSnapshot.CodeOf(dictionary, value);
            if (code >= 0)
            {
                index.Unmark(code, refused);
            }
        }

        return scratch;
    }

    private InvalidOperationException NotRelaxable() => new($"Constraint {Name} is not the caller's to loosen.");
}

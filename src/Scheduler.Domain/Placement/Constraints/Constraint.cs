using System.Numerics;

namespace Scheduler.Domain.Placement.Constraints;

/// <summary>
/// A predicate over offers. It has two implementations that must agree (a property test compares them).
/// <see cref="Refused"/> evaluates all rows as a bit plane, for decisions. <see cref="Check"/> evaluates one offer and
/// gives its margin, for "why not". A relaxable constraint also implements its own loosening.
/// </summary>
internal abstract class Constraint
{
    /// <summary>Wire name, lower snake case; public and stable.</summary>
    public abstract string Name { get; }

    /// <summary>Why the constraint refuses an offer, as text that can follow "N offers: …".</summary>
    public abstract string Reason { get; }

    /// <summary>Whether the caller can change it. Fit, availability and provider health cannot be changed.</summary>
    public virtual bool Relaxable => true;

    /// <summary>
    /// Whether the caller names a region, a provider or a GPU type in it. A loosened constraint then admits others than those named.
    /// </summary>
    public virtual bool IsNaming => false;

    /// <summary>Whether the request uses it; if not, it refuses no offer.</summary>
    public abstract bool Asks(PlacementRequest request);

    /// <summary>The rows it refuses. Called only when <see cref="Asks"/> is true.</summary>
    /// <param name="scratch">
    /// A plane to write the result to when the snapshot keeps no plane for it; its old content is undefined.
    /// </param>
    /// <returns><paramref name="scratch"/>, or a plane of the snapshot. Padding bits have no meaning.</returns>
    public abstract BitPlane Refused(OfferSnapshot snapshot, PlacementRequest request, BitPlane scratch);

    /// <summary>Null when the offer passes.</summary>
    public abstract Miss? Check(Offer offer, PlacementRequest request);

    /// <summary>
    /// Keeps those refused candidates whose value is nearest to the requested one. Where values have no distance
    /// (providers), it keeps all and the ranking decides.
    /// </summary>
    public virtual void KeepNearest(OfferSnapshot snapshot, PlacementRequest request, Span<ulong> candidates) { }

    /// <summary>The constraints, loosened just enough that this one admits the offer.</summary>
    public virtual SmartConstraints Loosen(SmartConstraints constraints, Offer target) => throw NotRelaxable();

    public virtual ConstraintEdit Edit(SmartConstraints constraints, Offer target) => throw NotRelaxable();

    /// <summary>Keeps the candidates with the least distance.</summary>
    /// <param name="distanceOf">Of a row, ≥ 0.</param>
    private protected static void KeepLeast(Span<ulong> candidates, Func<int, long> distanceOf)
    {
        var least = long.MaxValue;
        for (var word = 0; word < candidates.Length; word++)
        {
            for (var bits = candidates[word]; bits != 0; bits &= bits - 1)
            {
                least = Math.Min(least, distanceOf(RowOf(word, bits)));
            }
        }

        for (var word = 0; word < candidates.Length; word++)
        {
            for (var bits = candidates[word]; bits != 0; bits &= bits - 1)
            {
                if (distanceOf(RowOf(word, bits)) > least)
                {
                    BitPlane.Clear(candidates, RowOf(word, bits));
                }
            }
        }
    }

    /// <summary>The row of the lowest bit.</summary>
    private static int RowOf(int word, ulong bits) =>
        (word * BitPlane.RowsPerWord) + BitOperations.TrailingZeroCount(bits);

    /// <summary>A plane that refuses all rows except those with one of the admitted values.</summary>
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

    private InvalidOperationException NotRelaxable() => new($"Constraint {Name} cannot be loosened.");
}

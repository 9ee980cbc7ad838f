using System.Collections.Immutable;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Placement;

/// <summary>Why a certain offer, provider or GPU type was not chosen: every failing constraint, not the first one met.</summary>
public static class WhyNot
{
    /// <summary>Everything one listed offer lacks.</summary>
    /// <param name="snapshot">All offers.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="provider">Who lists it.</param>
    /// <param name="offerId">The provider's id of it.</param>
    /// <returns>Null when the offer is not listed.</returns>
    public static OfferWhyNot? ForOffer(
        OfferSnapshot snapshot,
        PlacementRequest request,
        ProviderId provider,
        string offerId
    )
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        return snapshot.Find(provider, offerId) is { } offer ? Of(offer, request) : null;
    }

    /// <summary>Everything an offer lacks, in the funnel's order.</summary>
    /// <param name="offer">Any offer.</param>
    /// <param name="request">What is asked.</param>
    public static OfferWhyNot Of(Offer offer, PlacementRequest request)
    {
        ArgumentNullException.ThrowIfNull(offer);
        ArgumentNullException.ThrowIfNull(request);
        var misses = ImmutableArray.CreateBuilder<Miss>();
        foreach (var constraint in PlacementSolver.Funnel)
        {
            if (constraint.Asks(request) && constraint.Check(offer, request) is { } miss)
            {
                misses.Add(miss);
            }
        }

        return new OfferWhyNot(offer, misses.ToImmutable());
    }

    /// <summary>What all offers of one provider lack.</summary>
    /// <param name="snapshot">All offers.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="provider">Whose offers.</param>
    public static GroupWhyNot ForProvider(OfferSnapshot snapshot, PlacementRequest request, ProviderId provider)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var code = OfferSnapshot.CodeOf(snapshot.Columns.Providers, provider.Value);
        return ForRows(snapshot, request, row => snapshot.Columns.ProviderOf[row] == code);
    }

    /// <summary>What all offers of one GPU type lack.</summary>
    /// <param name="snapshot">All offers.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="gpuType">Catalogue name.</param>
    public static GroupWhyNot ForGpuType(OfferSnapshot snapshot, PlacementRequest request, string gpuType)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        return ForRows(
            snapshot,
            request,
            row => string.Equals(snapshot.Columns.ShapeAt(row).GpuType, gpuType, StringComparison.Ordinal)
        );
    }

    private static GroupWhyNot ForRows(OfferSnapshot snapshot, PlacementRequest request, Func<int, bool> isMember)
    {
        var (offers, matching) = (0, 0);
        var misses = new int[PlacementSolver.Funnel.Length];
        OfferWhyNot? nearest = null;
        for (var row = 0; row < snapshot.Count; row++)
        {
            if (!isMember(row))
            {
                continue;
            }

            // Rows come cheapest first, so the first with the fewest misses is the cheapest of them.
            var answer = Of(snapshot.Columns.At(row), request);
            offers++;
            matching += answer.Matches ? 1 : 0;
            nearest = nearest is null || answer.Misses.Length < nearest.Misses.Length ? answer : nearest;
            foreach (var miss in answer.Misses)
            {
                misses[PlacementSolver.ConstraintNames.IndexOf(miss.Constraint)]++;
            }
        }

        var refusals = misses.Select((count, i) => new Refusals(PlacementSolver.ConstraintNames[i], count));
        return new GroupWhyNot(offers, matching, [.. refusals.Where(refusal => refusal.Offers > 0)], nearest);
    }
}

/// <summary>One offer and all it lacks.</summary>
/// <param name="Offer">The offer.</param>
/// <param name="Misses">Every failing constraint with its margin, in the funnel's order; empty when it matches.</param>
[GenerateSerializer, Immutable, Alias("scheduler.OfferWhyNot")]
public sealed record OfferWhyNot([property: Id(0)] Offer Offer, [property: Id(1)] ImmutableArray<Miss> Misses)
{
    /// <summary>Nothing is wrong with it: if it was not chosen, a better one was there.</summary>
    public bool Matches => Misses.IsEmpty;
}

/// <summary>A provider's or GPU type's offers and all they lack.</summary>
/// <param name="Offers">How many are listed; 0 when nobody lists any.</param>
/// <param name="Matching">How many of them match.</param>
/// <param name="Refusals">Constraints that refuse some, in the funnel's order; an offer counts in each that refuses it.</param>
/// <param name="Nearest">The one with the fewest failing constraints, the cheapest of them; null when none is listed.</param>
[GenerateSerializer, Immutable, Alias("scheduler.GroupWhyNot")]
public sealed record GroupWhyNot(
    [property: Id(0)] int Offers,
    [property: Id(1)] int Matching,
    [property: Id(2)] ImmutableArray<Refusals> Refusals,
    [property: Id(3)] OfferWhyNot? Nearest
);

/// <summary>How many offers one constraint refuses, whatever others do.</summary>
/// <param name="Constraint">Wire name.</param>
/// <param name="Offers">How many.</param>
[GenerateSerializer, Immutable, Alias("scheduler.Refusals")]
public readonly record struct Refusals([property: Id(0)] string Constraint, [property: Id(1)] int Offers);

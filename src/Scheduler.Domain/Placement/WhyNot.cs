using System.Collections.Immutable;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Placement;

/// <summary>Why an offer, provider or GPU type was not chosen: all failing constraints, not only the first.</summary>
public static class WhyNot
{
    /// <summary>Null when the offer is not listed.</summary>
    public static OfferWhyNot? ForOffer(
        OfferSnapshot snapshot,
        PlacementRequest request,
        ProviderId provider,
        string offerId
    ) => snapshot.Find(provider, offerId) is { } offer ? Of(offer, request) : null;

    public static OfferWhyNot Of(Offer offer, PlacementRequest request)
    {
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

    public static GroupWhyNot ForProvider(OfferSnapshot snapshot, PlacementRequest request, ProviderId provider)
    {
        var code = OfferSnapshot.CodeOf(snapshot.Columns.Providers, provider.Value);
        return ForRows(snapshot, request, row => snapshot.Columns.ProviderOf[row] == code);
    }

    public static GroupWhyNot ForGpuType(OfferSnapshot snapshot, PlacementRequest request, string gpuType) =>
        ForRows(
            snapshot,
            request,
            row => string.Equals(snapshot.Columns.ShapeAt(row).GpuType, gpuType, StringComparison.Ordinal)
        );

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

/// <param name="Misses">All failing constraints, in the funnel's order; empty when it matches.</param>
[GenerateSerializer, Immutable, Alias("scheduler.OfferWhyNot")]
public sealed record OfferWhyNot([property: Id(0)] Offer Offer, [property: Id(1)] ImmutableArray<Miss> Misses)
{
    /// <summary>Whether it passes all constraints. If it was not chosen, a better offer was.</summary>
    public bool Matches => Misses.IsEmpty;
}

/// <param name="Refusals">In the funnel's order; an offer counts for each constraint that refuses it.</param>
/// <param name="Nearest">The cheapest offer with the fewest failing constraints; null when none is listed.</param>
[GenerateSerializer, Immutable, Alias("scheduler.GroupWhyNot")]
public sealed record GroupWhyNot(
    [property: Id(0)] int Offers,
    [property: Id(1)] int Matching,
    [property: Id(2)] ImmutableArray<Refusals> Refusals,
    [property: Id(3)] OfferWhyNot? Nearest
);

/// <summary>The number of offers that one constraint refuses, whether or not others do too.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.Refusals")]
public readonly record struct Refusals([property: Id(0)] string Constraint, [property: Id(1)] int Offers);

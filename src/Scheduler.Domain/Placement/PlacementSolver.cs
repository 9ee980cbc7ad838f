using System.Collections.Frozen;
using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Placement.Constraints;

namespace Scheduler.Domain.Placement;

/// <summary>
/// Finds the best offers for a request, and when there are none, says exactly what to change. Pure: snapshot and request in,
/// decision out; Start and <c>explain</c> call the same method. The picture is in README.md beside this file.
/// </summary>
public static class PlacementSolver
{
    /// <summary>The funnel, in the one order that everybody sees: what the snapshot keeps ready first, what costs most last.</summary>
    internal static readonly ImmutableArray<Constraint> Funnel =
    [
        new AvailableConstraint(), // Kept by the snapshot. First, because nothing the caller changes helps against it.
        new SpotConstraint(), // Kept by the snapshot.
        new CapacityTierConstraint(), // Kept by the snapshot.
        new MaxPriceConstraint(), // One binary search: rows are in price order.
        new ProviderHealthConstraint(), // A handful of providers at most.
        new ProvidersConstraint(), // One index entry per provider on the list.
        new GpuTypeConstraint(), // One index entry.
        new GpuCountConstraint(), // One index entry.
        new RegionsConstraint(), // One index entry per region; lists of regions are the longest.
        new FitsGpuConstraint(), // Last: the first time a model is seen, it asks the estimator about every shape.
    ];

    private static readonly FrozenDictionary<string, string> Reasons = Funnel.ToFrozenDictionary(
        constraint => constraint.Name,
        constraint => constraint.Reason,
        StringComparer.Ordinal
    );

    /// <summary>The wire names of all constraints, in the funnel's order.</summary>
    public static ImmutableArray<string> ConstraintNames { get; } = [.. Funnel.Select(constraint => constraint.Name)];

    /// <summary>Decides.</summary>
    /// <param name="snapshot">All offers.</param>
    /// <param name="request">What is asked.</param>
    /// <returns>Ranked offers with a certificate, or, when nothing matches, all minimal relaxations; the funnel in both cases.</returns>
    public static PlacementDecision Solve(OfferSnapshot snapshot, PlacementRequest request)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(request);
        if (request.Top < 1)
        {
            throw new ArgumentException("At least one offer has to be ranked.", nameof(request));
        }

        using var pass = FunnelPass.Run(snapshot, request);
        return pass.Matches > 0
            ? new PlacementDecision
            {
                Funnel = pass.ToFunnel(),
                Epoch = snapshot.Epoch,
                Ranked = pass.Rank(request.Top, out var certificate),
                Certificate = certificate,
            }
            : RelaxationFinder.Explain(pass);
    }

    /// <summary>The cheapest matching offer that a balance can pay for one hour.</summary>
    /// <param name="snapshot">All offers.</param>
    /// <param name="request">What is asked; its own maximum price still holds.</param>
    /// <param name="affordable">Most that one hour may cost.</param>
    /// <returns>The offer; null when there is none.</returns>
    public static Offer? CheapestWithin(OfferSnapshot snapshot, PlacementRequest request, MicroEuro affordable)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(request);
        var most = MicroEuro.Min(affordable, request.Constraints.MaxPricePerHour ?? affordable);
        var capped = request with { Constraints = request.Constraints with { MaxPricePerHour = most } };
        using var pass = FunnelPass.Run(snapshot, capped);
        return pass.Matches == 0 ? null : pass.Rank(top: 1, out _)[0].Offer;
    }

    /// <summary>
    /// The distinct GPU shapes that the caller's constraints leave, whatever fits, is available or healthy: what the message of
    /// GPU_INCOMPATIBLE has to compare the model with.
    /// </summary>
    /// <param name="snapshot">All offers.</param>
    /// <param name="constraints">What the caller asks.</param>
    public static ImmutableArray<GpuShape> ShapesLeft(OfferSnapshot snapshot, SmartConstraints constraints)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(constraints);
        var request = new PlacementRequest { Constraints = constraints };
        var left = new ulong[snapshot.Words];
        var scratch = BitPlane.Of(new ulong[snapshot.Words]);
        BitPlane.SetFirst(left, snapshot.Count);
        foreach (var constraint in Funnel)
        {
            if (constraint.Relaxable && constraint.Asks(request))
            {
                BitPlane.AndNot(left, constraint.Refused(snapshot, request, scratch).Span);
            }
        }

        var seen = new bool[snapshot.Shapes.Length];
        for (var row = 0; row < snapshot.Count; row++)
        {
            seen[snapshot.Columns.ShapeOf[row]] |= BitPlane.Has(left, row);
        }

        return [.. snapshot.Shapes.Where((_, shape) => seen[shape])];
    }

    internal static string ReasonOf(string constraint) => Reasons.GetValueOrDefault(constraint, "");
}

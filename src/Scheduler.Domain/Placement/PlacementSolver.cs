using System.Collections.Frozen;
using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Placement.Constraints;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Placement;

/// <summary>
/// Finds the best offers for a request. When nothing matches, it finds the changes of the request that would match.
/// Pure: it depends only on snapshot and request. Start and <c>explain</c> call the same method. README.md in this
/// folder has a diagram.
/// </summary>
public static class PlacementSolver
{
    /// <summary>
    /// The constraints in the order of evaluation, which is also the order shown to users. Those that the snapshot has
    /// precomputed come first, the most expensive ones last.
    /// </summary>
    internal static readonly ImmutableArray<Constraint> Funnel =
    [
        new AvailableConstraint(), // Precomputed. First, because no change by the caller helps against it.
        new SpotConstraint(), // Precomputed.
        new EncryptedPathConstraint(), // Precomputed.
        new CapacityTierConstraint(), // Precomputed.
        new MaxPriceConstraint(), // One binary search: rows are in price order.
        new ProviderHealthConstraint(), // A few providers at most.
        new ProvidersConstraint(), // One index entry per provider on the list.
        new GpuTypeConstraint(), // One index entry.
        new GpuCountConstraint(), // One index entry.
        new RegionsConstraint(), // One index entry per region; lists of regions are the longest.
        new FitsGpuConstraint(), // Last: for a new model it calls the estimator for every shape.
    ];

    private static readonly FrozenDictionary<string, string> Reasons = Funnel.ToFrozenDictionary(
        constraint => constraint.Name,
        constraint => constraint.Reason,
        StringComparer.Ordinal
    );

    public static ImmutableArray<string> ConstraintNames { get; } = [.. Funnel.Select(constraint => constraint.Name)];

    /// <summary>Those of <see cref="ConstraintNames"/> that name a region, a provider or a GPU type.</summary>
    public static FrozenSet<string> NamingConstraints { get; } =
        Funnel
            .Where(constraint => constraint.IsNaming)
            .Select(constraint => constraint.Name)
            .ToFrozenSet(StringComparer.Ordinal);

    public static PlacementDecision Solve(OfferSnapshot snapshot, PlacementRequest request)
    {
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

    /// <summary>The cheapest matching offer that a balance can pay for one hour; null when there is none.</summary>
    /// <param name="request">The request; its own maximum price still applies.</param>
    public static Offer? CheapestWithin(OfferSnapshot snapshot, PlacementRequest request, MicroEuro affordable)
    {
        var most = MicroEuro.Min(affordable, request.Constraints.MaxPricePerHour ?? affordable);
        var capped = request with { Constraints = request.Constraints with { MaxPricePerHour = most } };
        using var pass = FunnelPass.Run(snapshot, capped);
        return pass.Matches == 0 ? null : pass.Rank(top: 1, out _)[0].Offer;
    }

    /// <summary>
    /// Of the matching offers, the one with the least memory of all its GPUs together, then the cheapest. Null when nothing
    /// matches, or only offers without a GPU of the catalogue do.
    /// </summary>
    public static Offer? SmallestMatching(OfferSnapshot snapshot, PlacementRequest request)
    {
        using var pass = FunnelPass.Run(snapshot, request);
        var memory = Array.ConvertAll(snapshot.Columns.Shapes, MemoryOf);
        var smallest = -1;
        for (var row = 0; row < snapshot.Count && pass.Matches > 0; row++)
        {
            // Rows come cheapest first, so the first of a size is the cheapest of it.
            var size = memory[snapshot.Columns.ShapeOf[row]];
            if (
                pass.IsMatch(row)
                && size is not null
                && (smallest < 0 || size < memory[snapshot.Columns.ShapeOf[smallest]])
            )
            {
                smallest = row;
            }
        }

        return smallest < 0 ? null : snapshot.Columns.At(smallest);
    }

    /// <summary>Nominal GiB of all GPUs, so that two boards of 80 GB are equal although their drivers report other figures.</summary>
    private static long? MemoryOf(GpuShape shape) =>
        GpuCatalogue.Shipped.Find(shape.GpuType) is { } gpu ? checked((long)gpu.NominalGib * shape.GpuCount) : null;

    /// <summary>
    /// The distinct GPU shapes that pass the caller's constraints, whether or not they fit, are available or healthy.
    /// The message of GPU_INCOMPATIBLE compares the model with these.
    /// </summary>
    public static ImmutableArray<GpuShape> ShapesLeft(OfferSnapshot snapshot, SmartConstraints constraints)
    {
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

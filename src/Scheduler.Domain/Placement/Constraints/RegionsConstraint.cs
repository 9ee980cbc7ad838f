namespace Scheduler.Domain.Placement.Constraints;

/// <summary>A region in the same part of the world as one of the requested regions is nearer than any other.</summary>
internal sealed class RegionsConstraint : Constraint
{
    public override string Name => "regions";

    public override string Reason => "a region that is not on the list";

    public override bool IsNaming => true;

    public override bool Asks(PlacementRequest request) => !request.Constraints.Regions.IsEmpty;

    public override BitPlane Refused(OfferSnapshot snapshot, PlacementRequest request, BitPlane scratch) =>
        AllBut(scratch, snapshot.ByRegion, snapshot.Columns.Regions, request.Constraints.Regions.AsSpan());

    public override Miss? Check(Offer offer, PlacementRequest request) =>
        !Asks(request) || request.Constraints.Regions.Contains(offer.Region, StringComparer.Ordinal)
            ? null
            : new Miss(
                Name,
                Reason,
                "one of " + string.Join(", ", request.Constraints.Regions),
                offer.Region,
                null,
                null
            );

    public override void KeepNearest(OfferSnapshot snapshot, PlacementRequest request, Span<ulong> candidates)
    {
        var asked = request
            .Constraints.Regions.Select(RegionArea.Of)
            .Where(area => area != WorldArea.Unknown)
            .ToHashSet();
        var distances = Array.ConvertAll(
            snapshot.Columns.Regions,
            region => asked.Contains(RegionArea.Of(region)) ? 0L : 1L
        );
        KeepLeast(candidates, row => distances[snapshot.Columns.RegionOf[row]]);
    }

    public override SmartConstraints Loosen(SmartConstraints constraints, Offer target) =>
        constraints with
        {
            Regions = constraints.Regions.Add(target.Region),
        };

    public override ConstraintEdit Edit(SmartConstraints constraints, Offer target) =>
        new(Name, string.Join(", ", constraints.Regions), target.Region, "add region " + target.Region);
}

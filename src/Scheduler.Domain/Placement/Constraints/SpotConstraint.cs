namespace Scheduler.Domain.Placement.Constraints;

internal sealed class SpotConstraint : Constraint
{
    public override string Name => "spot";

    public override string Reason => "spot capacity, which the request does not allow";

    public override bool Asks(PlacementRequest request) => !request.Constraints.SpotAllowed;

    public override BitPlane Refused(OfferSnapshot snapshot, PlacementRequest request, BitPlane scratch) =>
        snapshot.Spot();

    public override Miss? Check(Offer offer, PlacementRequest request) =>
        !Asks(request) || !offer.Spot ? null : new Miss(Name, Reason, "on demand", "spot", null, null);

    public override SmartConstraints Loosen(SmartConstraints constraints, Offer target) =>
        constraints with
        {
            SpotAllowed = true,
        };

    public override ConstraintEdit Edit(SmartConstraints constraints, Offer target) =>
        new(Name, "on demand", "spot", "allow spot");
}

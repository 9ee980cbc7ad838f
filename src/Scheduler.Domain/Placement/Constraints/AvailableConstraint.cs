namespace Scheduler.Domain.Placement.Constraints;

internal sealed class AvailableConstraint : Constraint
{
    public override string Name => "available";

    public override string Reason => "none available now; it may be later";

    public override bool Relaxable => false;

    public override bool Asks(PlacementRequest request) => true;

    public override BitPlane Refused(OfferSnapshot snapshot, PlacementRequest request, BitPlane scratch) =>
        snapshot.Unavailable();

    public override Miss? Check(Offer offer, PlacementRequest request) =>
        offer.Available > 0 ? null : new Miss(Name, Reason, "1", "0", 1, "instances");
}

namespace Scheduler.Domain.Placement.Constraints;

internal sealed class EncryptedPathConstraint : Constraint
{
    public override string Name => "encrypted_path";

    public override string Reason => "a path to the runtime without encryption, which the request excludes";

    public override bool Asks(PlacementRequest request) => request.Constraints.RequireEncryptedPath;

    public override BitPlane Refused(OfferSnapshot snapshot, PlacementRequest request, BitPlane scratch) =>
        snapshot.Unencrypted();

    public override Miss? Check(Offer offer, PlacementRequest request) =>
        !Asks(request) || offer.EncryptedPath ? null : new Miss(Name, Reason, "encrypted", "not encrypted", null, null);

    public override SmartConstraints Loosen(SmartConstraints constraints, Offer target) =>
        constraints with
        {
            RequireEncryptedPath = false,
        };

    public override ConstraintEdit Edit(SmartConstraints constraints, Offer target) =>
        new(Name, "encrypted", "any path", "accept a path without encryption");
}

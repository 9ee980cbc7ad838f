namespace Scheduler.Domain.Placement.Constraints;

internal sealed class ProvidersConstraint : Constraint
{
    public override string Name => "providers";

    public override string Reason => "a provider that is not on the list";

    public override bool IsNaming => true;

    public override bool Asks(PlacementRequest request) => !request.Constraints.Providers.IsEmpty;

    public override BitPlane Refused(OfferSnapshot snapshot, PlacementRequest request, BitPlane scratch) =>
        AllBut(scratch, snapshot.ByProvider, snapshot.Columns.Providers, request.Constraints.Providers.AsSpan());

    public override Miss? Check(Offer offer, PlacementRequest request) =>
        !Asks(request) || request.Constraints.Providers.Contains(offer.Provider.Value, StringComparer.Ordinal)
            ? null
            : new Miss(
                Name,
                Reason,
                "one of " + string.Join(", ", request.Constraints.Providers),
                offer.Provider.Value,
                null,
                null
            );

    public override SmartConstraints Loosen(SmartConstraints constraints, Offer target) =>
        constraints with
        {
            Providers = constraints.Providers.Add(target.Provider.Value),
        };

    public override ConstraintEdit Edit(SmartConstraints constraints, Offer target) =>
        new(
            Name,
            string.Join(", ", constraints.Providers),
            target.Provider.Value,
            "add provider " + target.Provider.Value
        );
}

namespace Scheduler.Domain.Placement.Constraints;

/// <summary>Manual mode only.</summary>
internal sealed class GpuTypeConstraint : Constraint
{
    public override string Name => "gpu_type";

    public override string Reason => "another GPU type than the one asked for";

    public override bool Asks(PlacementRequest request) => request.Constraints.GpuType is not null;

    public override BitPlane Refused(OfferSnapshot snapshot, PlacementRequest request, BitPlane scratch) =>
        AllBut(scratch, snapshot.ByGpuType, snapshot.GpuTypes, [request.Constraints.GpuType ?? ""]);

    public override Miss? Check(Offer offer, PlacementRequest request) =>
        request.Constraints.GpuType is not { } asked || string.Equals(asked, offer.GpuType, StringComparison.Ordinal)
            ? null
            : new Miss(Name, Reason, asked, offer.GpuType, null, null);

    public override SmartConstraints Loosen(SmartConstraints constraints, Offer target) =>
        constraints with
        {
            GpuType = target.GpuType,
        };

    public override ConstraintEdit Edit(SmartConstraints constraints, Offer target) =>
        new(Name, constraints.GpuType ?? "", target.GpuType, $"GPU type {constraints.GpuType} → {target.GpuType}");
}

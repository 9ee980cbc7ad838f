namespace Scheduler.Domain.Placement.Constraints;

internal sealed class FitsGpuConstraint : Constraint
{
    public override string Name => "fits_gpu";

    public override string Reason => "the model does not fit its GPUs";

    public override bool Relaxable => false;

    public override bool Asks(PlacementRequest request) => !ReferenceEquals(request.Fit, ShapeFit.Any);

    public override BitPlane Refused(OfferSnapshot snapshot, PlacementRequest request, BitPlane scratch) =>
        snapshot.Unfit(request.Fit);

    public override Miss? Check(Offer offer, PlacementRequest request)
    {
        var shape = new GpuShape(offer.GpuType, offer.GpuCount);
        return request.Fit.Fits(shape) ? null : new Miss(Name, Reason, "fits the model", shape.ToString(), null, null);
    }
}

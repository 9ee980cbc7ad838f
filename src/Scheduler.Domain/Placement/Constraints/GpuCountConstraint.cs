using System.Globalization;

namespace Scheduler.Domain.Placement.Constraints;

/// <summary>Manual mode only.</summary>
internal sealed class GpuCountConstraint : Constraint
{
    public override string Name => "gpu_count";

    public override string Reason => "another number of GPUs than asked for";

    public override bool Asks(PlacementRequest request) => request.Constraints.GpuCount is not null;

    public override BitPlane Refused(OfferSnapshot snapshot, PlacementRequest request, BitPlane scratch)
    {
        var refused = scratch.Span;
        refused.Fill(ulong.MaxValue);
        var code = Array.BinarySearch(snapshot.GpuCounts, request.Constraints.GpuCount ?? 0);
        if (code >= 0)
        {
            snapshot.ByGpuCount.Unmark(code, refused);
        }

        return scratch;
    }

    public override Miss? Check(Offer offer, PlacementRequest request) =>
        request.Constraints.GpuCount is not { } asked || asked == offer.GpuCount
            ? null
            : new Miss(Name, Reason, Text(asked), Text(offer.GpuCount), Distance(offer.GpuCount, asked), "gpus");

    public override void KeepNearest(OfferSnapshot snapshot, PlacementRequest request, Span<ulong> candidates)
    {
        var asked = request.Constraints.GpuCount ?? 0;
        KeepLeast(candidates, row => Distance(snapshot.Columns.ShapeAt(row).GpuCount, asked));
    }

    public override SmartConstraints Loosen(SmartConstraints constraints, Offer target) =>
        constraints with
        {
            GpuCount = target.GpuCount,
        };

    public override ConstraintEdit Edit(SmartConstraints constraints, Offer target) =>
        new(
            Name,
            Text(constraints.GpuCount ?? 0),
            Text(target.GpuCount),
            $"GPU count {constraints.GpuCount} → {target.GpuCount}"
        );

    private static long Distance(int offered, int asked) => Math.Abs((long)offered - asked);

    private static string Text(int count) => count.ToString(CultureInfo.InvariantCulture);
}

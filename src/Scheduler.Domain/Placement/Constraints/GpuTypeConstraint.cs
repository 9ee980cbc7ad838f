using Scheduler.ModelFit;

namespace Scheduler.Domain.Placement.Constraints;

/// <summary>Manual mode only. The distance of two GPU types is the difference of their nominal memory.</summary>
internal sealed class GpuTypeConstraint : Constraint
{
    public override string Name => "gpu_type";

    public override string Reason => "another GPU type than the one asked for";

    public override bool IsNaming => true;

    public override bool Asks(PlacementRequest request) => request.Constraints.GpuType is not null;

    public override BitPlane Refused(OfferSnapshot snapshot, PlacementRequest request, BitPlane scratch) =>
        AllBut(scratch, snapshot.ByGpuType, snapshot.GpuTypes, [request.Constraints.GpuType ?? ""]);

    public override Miss? Check(Offer offer, PlacementRequest request) =>
        request.Constraints.GpuType is not { } asked || string.Equals(asked, offer.GpuType, StringComparison.Ordinal)
            ? null
            : new Miss(Name, Reason, asked, offer.GpuType, null, null);

    public override void KeepNearest(OfferSnapshot snapshot, PlacementRequest request, Span<ulong> candidates)
    {
        var asked = request.Constraints.GpuType ?? "";
        var distances = Array.ConvertAll(snapshot.Columns.Shapes, shape => MemoryDistance(asked, shape.GpuType));
        KeepLeast(candidates, row => distances[snapshot.Columns.ShapeOf[row]]);
    }

    /// <summary>Nominal GiB per GPU between two types; 0 for the same type, the largest number if one is not known.</summary>
    internal static long MemoryDistance(string asked, string offered) =>
        string.Equals(asked, offered, StringComparison.Ordinal) ? 0
        : MemoryOf(asked) is { } wanted && MemoryOf(offered) is { } has ? Math.Abs(has - wanted)
        : long.MaxValue;

    /// <summary>Of a word with several types, the first of the table: a stored spec may hold such a word.</summary>
    private static long? MemoryOf(string word) =>
        GpuCatalogue.Shipped.Meant(word) is [var first, ..] ? first.NominalGib : null;

    public override SmartConstraints Loosen(SmartConstraints constraints, Offer target) =>
        constraints with
        {
            GpuType = target.GpuType,
        };

    public override ConstraintEdit Edit(SmartConstraints constraints, Offer target) =>
        new(Name, constraints.GpuType ?? "", target.GpuType, $"GPU type {constraints.GpuType} → {target.GpuType}");
}

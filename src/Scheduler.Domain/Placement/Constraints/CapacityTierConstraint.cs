namespace Scheduler.Domain.Placement.Constraints;

internal sealed class CapacityTierConstraint : Constraint
{
    public override string Name => "capacity_tier";

    public override string Reason => "a lower capacity tier than the lowest accepted";

    public override bool Asks(PlacementRequest request) => request.Constraints.MinimumTier > CapacityTier.Community;

    public override BitPlane Refused(OfferSnapshot snapshot, PlacementRequest request, BitPlane scratch) =>
        snapshot.BelowTier(request.Constraints.MinimumTier);

    public override Miss? Check(Offer offer, PlacementRequest request)
    {
        var minimum = request.Constraints.MinimumTier;
        return offer.Tier >= minimum
            ? null
            : new Miss(Name, Reason, "at least " + minimum.Word(), offer.Tier.Word(), minimum - offer.Tier, "tiers");
    }

    public override void KeepNearest(OfferSnapshot snapshot, PlacementRequest request, Span<ulong> candidates)
    {
        var below = snapshot.BelowTier(CapacityTier.Standard).Span;
        var standard = BitPlane.Count(candidates) - CountBoth(candidates, below);
        if (standard > 0)
        {
            BitPlane.AndNot(candidates, below);
        }
    }

    public override SmartConstraints Loosen(SmartConstraints constraints, Offer target) =>
        constraints with
        {
            MinimumTier = target.Tier,
        };

    public override ConstraintEdit Edit(SmartConstraints constraints, Offer target) =>
        new(Name, constraints.MinimumTier.Word(), target.Tier.Word(), "accept tier " + target.Tier.Word());

    private static int CountBoth(ReadOnlySpan<ulong> a, ReadOnlySpan<ulong> b)
    {
        var count = 0;
        for (var i = 0; i < a.Length; i++)
        {
            count += System.Numerics.BitOperations.PopCount(a[i] & b[i]);
        }

        return count;
    }
}

using Scheduler.Domain.Billing;

namespace Scheduler.Domain.Placement.Constraints;

internal sealed class MaxPriceConstraint : Constraint
{
    public override string Name => "max_price";

    public override string Reason => "costs more per hour than the maximum";

    public override bool Asks(PlacementRequest request) => request.Constraints.MaxPricePerHour is not null;

    /// <summary>Rows are in price order: one binary search, then all rows past it are refused.</summary>
    public override BitPlane Refused(OfferSnapshot snapshot, PlacementRequest request, BitPlane scratch)
    {
        var affordable = snapshot.CountUpTo(request.Constraints.MaxPricePerHour ?? new MicroEuro(long.MaxValue));
        var refused = scratch.Span;
        var word = affordable >>> 6;
        refused[..word].Clear();
        refused[word..].Fill(ulong.MaxValue);
        if (word < refused.Length)
        {
            refused[word] = ulong.MaxValue << (affordable & 63);
        }

        return scratch;
    }

    public override Miss? Check(Offer offer, PlacementRequest request) =>
        request.Constraints.MaxPricePerHour is not { } most || offer.PricePerHour <= most
            ? null
            : new Miss(
                Name,
                Reason,
                $"at most {most} EUR/h",
                $"{offer.PricePerHour} EUR/h",
                (offer.PricePerHour - most).Value,
                "micro_eur_per_hour"
            );

    public override void KeepNearest(OfferSnapshot snapshot, PlacementRequest request, Span<ulong> candidates)
    {
        var first = BitPlane.First(candidates);
        var end = snapshot.Columns.CountUpTo(snapshot.Columns.Prices[first]);
        var word = end >>> 6;
        if (word < candidates.Length)
        {
            candidates[word] &= ~(ulong.MaxValue << (end & 63));
            candidates[(word + 1)..].Clear();
        }
    }

    public override SmartConstraints Loosen(SmartConstraints constraints, Offer target) =>
        constraints with
        {
            MaxPricePerHour = target.PricePerHour,
        };

    public override ConstraintEdit Edit(SmartConstraints constraints, Offer target) =>
        new(
            Name,
            $"{constraints.MaxPricePerHour}",
            $"{target.PricePerHour}",
            $"max price {constraints.MaxPricePerHour} → {target.PricePerHour} EUR/h"
        );
}

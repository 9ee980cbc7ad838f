namespace Scheduler.Domain.Placement.Constraints;

internal sealed class ProviderHealthConstraint : Constraint
{
    public override string Name => "provider_health";

    public override string Reason => "the provider is draining or failing; it may be back later";

    public override bool Relaxable => false;

    public override bool Asks(PlacementRequest request) =>
        !request.State.Draining.IsEmpty || !request.State.BreakerOpen.IsEmpty;

    public override BitPlane Refused(OfferSnapshot snapshot, PlacementRequest request, BitPlane scratch)
    {
        var refused = scratch.Span;
        refused.Clear();
        Mark(snapshot, request.State.Draining, refused);
        Mark(snapshot, request.State.BreakerOpen, refused);
        return scratch;
    }

    public override Miss? Check(Offer offer, PlacementRequest request)
    {
        if (request.State.Draining.Contains(offer.Provider))
        {
            return new Miss(Name, Reason, "in service", "draining", null, null);
        }

        return request.State.BreakerOpen.Contains(offer.Provider)
            ? new Miss(Name, Reason, "in service", "circuit breaker open", null, null)
            : null;
    }

    private static void Mark(
        OfferSnapshot snapshot,
        System.Collections.Immutable.ImmutableArray<Ids.ProviderId> providers,
        Span<ulong> refused
    )
    {
        foreach (var provider in providers)
        {
            var code = OfferSnapshot.CodeOf(snapshot.Columns.Providers, provider.Value);
            if (code >= 0)
            {
                snapshot.ByProvider.Mark(code, refused);
            }
        }
    }
}

using Scheduler.Domain.Failures;
using Scheduler.Domain.Placement;

namespace Scheduler.Domain.Providers;

/// <param name="Next">The offer that a start would choose now; null when there is none.</param>
public sealed record ProviderRejectedFacts(Offer Offer, Rejection Rejection, Offer? Next)
    : FailureFacts(FailureCode.ProviderRejected)
{
    protected internal override FailureText Describe()
    {
        var next =
            Next is null || Next.Route == Offer.Route
                ? "no other route matches now: loosen the constraints, or try again later"
                : $"next in line is {Next.Route} at {Next.PricePerHour} EUR/h";
        var hint = Rejection.Kind switch
        {
            RejectionKind.OutOfStock =>
                $"Start again: {Offer.Route} is out of stock and ranks last for a while; {next}.",
            RejectionKind.Quota => $"Raise the quota at {Offer.Provider}, or start again elsewhere; {next}.",
            RejectionKind.InvalidRequest =>
                $"Change what {Offer.Provider} objects to (see its message), or start again elsewhere; {next}.",
            RejectionKind.Credentials =>
                $"Renew the credentials configured for {Offer.Provider}, or start elsewhere; {next}.",
            RejectionKind.ProviderError =>
                $"Start again: {Offer.Provider} failed inside and its route ranks last; {next}.",
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        return new FailureText(
            $"{Offer.Route} refused ({Rejection.Kind}): {Rejection.ProviderWords}",
            hint,
            Details(
                ("route", Offer.Route),
                ("offer", Offer.OfferId),
                ("kind", Rejection.Kind),
                ("provider_words", Rejection.ProviderWords),
                ("next_route", Next?.Route.ToString()),
                ("next_price_per_hour_micro_eur", Next?.PricePerHour.Value)
            )
        );
    }
}

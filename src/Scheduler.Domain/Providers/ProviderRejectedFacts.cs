using Scheduler.Domain.Failures;
using Scheduler.Domain.Placement;

namespace Scheduler.Domain.Providers;

/// <param name="Next">Where a start would go now; null when it is not known.</param>
public sealed record ProviderRejectedFacts(Offer Offer, Rejection Rejection, NextRoute? Next)
    : FailureFacts(FailureCode.ProviderRejected)
{
    protected internal override FailureText Describe()
    {
        var next = NextRoute.WordsOf(Next);
        var hint = Rejection.Kind switch
        {
            RejectionKind.OutOfStock =>
                $"Start again: {Offer.Route} is out of stock and ranks last for a while; {next}.",
            RejectionKind.Quota =>
                $"Raise the quota at {Offer.Provider}, which ranks last for a while, or start again elsewhere; {next}.",
            RejectionKind.InvalidRequest or RejectionKind.Image =>
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
                    ("provider_words", Rejection.ProviderWords)
                )
                .AddRange(NextRoute.DetailsOf(Next))
        );
    }
}

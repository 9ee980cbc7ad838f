using System.Globalization;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Placement;

namespace Scheduler.Domain.Providers;

/// <param name="Attempt">Number of the attempt within the launch, from 1.</param>
/// <param name="AvoidedUntil">Until then the route ranks last.</param>
/// <param name="Next">Where a start would go now; null when it is not known.</param>
public sealed record ProviderTimeoutFacts(
    Offer Offer,
    TimeSpan Waited,
    int Attempt,
    DateTimeOffset AvoidedUntil,
    NextRoute? Next
) : FailureFacts(FailureCode.ProviderTimeout)
{
    protected internal override FailureText Describe()
    {
        var seconds = Math.Round(Waited.TotalSeconds).ToString("0", CultureInfo.InvariantCulture);
        var until = AvoidedUntil.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        var hint =
            $"Stop the instance and start it again: {Offer.Route} ranks last until {until}; {NextRoute.WordsOf(Next)}.";
        return new FailureText(
            $"{Offer.Route} did not allocate capacity within {seconds} s (attempt {Attempt}).",
            hint,
            Details(
                    ("route", Offer.Route),
                    ("offer", Offer.OfferId),
                    ("waited_seconds", seconds),
                    ("attempt", Attempt),
                    ("avoided_until", until)
                )
                .AddRange(NextRoute.DetailsOf(Next))
        );
    }
}

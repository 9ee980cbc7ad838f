using System.Globalization;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Placement;

namespace Scheduler.Domain.Providers;

/// <param name="Attempt">Number of the attempt within the launch, from 1.</param>
/// <param name="AvoidedUntil">Until then the route ranks last.</param>
/// <param name="Next">The offer that a start would choose now; null when there is none.</param>
public sealed record ProviderTimeoutFacts(
    Offer Offer,
    TimeSpan Waited,
    int Attempt,
    DateTimeOffset AvoidedUntil,
    Offer? Next
) : FailureFacts(FailureCode.ProviderTimeout)
{
    protected internal override FailureText Describe()
    {
        var seconds = Math.Round(Waited.TotalSeconds).ToString("0", CultureInfo.InvariantCulture);
        var until = AvoidedUntil.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        var hint = $"Stop the instance and start it again: {Offer.Route} ranks last until {until}";
        hint +=
            Next is null ? ", but no other offer matches now; loosen the constraints or wait for it."
            : Next.Route == Offer.Route
                ? $", but it is the only route that matches; loosen the constraints to have another."
            : $"; next in line is {Next.Route} at {Next.PricePerHour} EUR/h.";
        return new FailureText(
            $"{Offer.Route} did not allocate capacity within {seconds} s (attempt {Attempt}).",
            hint,
            Details(
                ("route", Offer.Route),
                ("offer", Offer.OfferId),
                ("waited_seconds", seconds),
                ("attempt", Attempt),
                ("avoided_until", until),
                ("next_route", Next?.Route.ToString()),
                ("next_price_per_hour_micro_eur", Next?.PricePerHour.Value)
            )
        );
    }
}

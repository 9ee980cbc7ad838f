using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Models;
using static Scheduler.Domain.Failures.FailureCode;

namespace Scheduler.Domain.Instances;

/// <summary>Top-ups, and remedies of launches that lack more than one thing.</summary>
public static partial class Remedies
{
    /// <summary>Hours that a proposed top-up pays for besides the launch.</summary>
    private const int HoursPaid = 24;

    /// <summary>Largest top-up that is proposed, micro-EUR (a million euros). A larger missing amount is a fault of the facts.</summary>
    private const long LargestTopUp = 1_000_000_000_000;

    /// <summary>
    /// Proposes the missing money, plus a day at the price, plus the need of one more launch, rounded up to whole euros. With less,
    /// the account would fall below the minimum at once. Null when no money is missing.
    /// </summary>
    private static Remedy? TopUp(ImmutableSortedDictionary<string, string> details)
    {
        if (details.Money("top_up_micro_eur") is not { Value: > 0 and <= LargestTopUp } missing)
        {
            return null;
        }

        var price =
            details.Money("offer_price_per_hour_micro_eur")
            ?? details.Money("price_per_hour_micro_eur")
            ?? details.Money("relaxation_1_best_price_per_hour_micro_eur")
            ?? details.Money("smallest_gpu_price_per_hour_micro_eur");
        var launch = Math.Min(details.Money("needed_micro_eur")?.Value ?? missing.Value, LargestTopUp);
        var day = price is { } perHour ? Math.Min(perHour.Value, LargestTopUp / HoursPaid) * HoursPaid : launch;
        var sum = Math.Min(missing.Value + launch + day, LargestTopUp);
        var amount = MicroEuro.FromEuros((sum + MicroEuro.PerEuro - 1) / MicroEuro.PerEuro);
        return new Remedy
        {
            Id = "top-up",
            Title = $"Top up {amount} EUR and start again",
            TopUp = amount,
            LeastTopUp = missing,
        };
    }

    /// <summary>
    /// For a launch that lacks money and would also fail with <c>also_code</c>: the remedies of that second failure, each with the top-up.
    /// None when no change of the spec cures the second failure.
    /// </summary>
    private static IEnumerable<Remedy?> TopUpAnd(InstanceRecord record, Failure failure)
    {
        if (
            TopUp(failure.Details) is not { } money
            || !FailureCodes.TryParse(failure.Details[BelowMinimumFacts.AlsoCode], out var code)
            || code == BillingBelowMinimum
        )
        {
            return [];
        }

        return WaysOf(record, failure with { Code = code })
            .Where(way => way is { Spec: not null, Changes.IsEmpty: false })
            .Select(way =>
                WithTopUp(
                    way!,
                    way!.Price is { } price
                        ? TopUp(failure.Details.SetItem("offer_price_per_hour_micro_eur", Text(price)))!
                        : money
                )
            );
    }

    /// <summary>
    /// For a launch that with the suggested smaller context would fail with <c>then_code</c>: the remedies of that failure, each with the
    /// smaller context.
    /// </summary>
    private static IEnumerable<Remedy?> ContextAnd(InstanceRecord record, Failure failure)
    {
        if (
            SmallerContext(record.Spec, failure.Details, "suggested_context_tokens") is not { Spec: { } smaller }
            || !FailureCodes.TryParse(failure.Details[GpuIncompatibleFacts.ThenCode], out var code)
        )
        {
            return [];
        }

        var then = failure with { Code = code, Details = failure.Details.Remove(GpuIncompatibleFacts.ThenCode) };
        return WaysOf(record with { Spec = smaller }, then)
            .Where(way => way is { Spec: not null, Changes.IsEmpty: false })
            .Select(way => Change(way!.Id, record.Spec, way.Spec!) with { Price = way.Price });
    }

    /// <summary>Adds a top-up where the account cannot pay for the offer that the remedy leads to.</summary>
    private static Remedy WithMoney(Remedy way, ImmutableSortedDictionary<string, string> details) =>
        way.TopUp is null
        && way.Price is { } price
        && details.Money("available_micro_eur") is { } available
        && available < price
        && TopUp(
            details
                .SetItem("top_up_micro_eur", Text(price - available))
                .SetItem("needed_micro_eur", Text(price))
                .SetItem("price_per_hour_micro_eur", Text(price))
        )
            is { } money
            ? WithTopUp(way, money)
            : way;

    private static string Text(MicroEuro amount) => amount.Value.ToString(CultureInfo.InvariantCulture);

    private static Remedy WithTopUp(Remedy way, Remedy money) =>
        way with
        {
            Title = $"Top up {money.TopUp} EUR; {char.ToLowerInvariant(way.Title[0])}{way.Title[1..]}",
            TopUp = money.TopUp,
            LeastTopUp = money.LeastTopUp,
        };
}

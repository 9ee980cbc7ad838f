using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Billing;

namespace Scheduler.Domain.Services;

/// <summary>Pure checks of a service's spec. The template is checked like the spec of any launch.</summary>
public static class ServiceValidation
{
    public const int MostReplicas = 1000;

    /// <summary>Characters. A replica's serving name is the service's with revision and number added, and has at most 63.</summary>
    public const int LongestServingName = 40;

    public const int LargestTarget = 1_000_000;

    public const int MostHeldRequests = 10_000;

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    /// <summary>All faults, in the order of the spec's fields.</summary>
    public static ImmutableArray<SpecFault> FaultsOf(ServiceSpec spec)
    {
        var faults = new List<SpecFault>();
        Range(faults, "spec.min_replicas", spec.MinReplicas, 0, MostReplicas);
        if (spec.MaxReplicas is { } most)
        {
            Range(faults, "spec.max_replicas", most, 1, MostReplicas);
            if (most < spec.MinReplicas)
            {
                faults.Add(
                    new("spec.max_replicas", Text($"Is {most}, less than min_replicas, which is {spec.MinReplicas}."))
                );
            }
        }

        CheckScaling(spec, faults);
        Range(faults, "spec.hold.max_requests", spec.Hold.MaxRequests, 0, MostHeldRequests);
        Range(faults, "spec.hold.max_wait", spec.Hold.MaxWait, Second, Hour);
        Range(faults, "spec.spot.on_demand_floor", spec.Spot.OnDemandFloor, 0, MostReplicas);
        Range(faults, "spec.spot.spread", spec.Spot.Spread, 1, 100);
        Range(faults, "spec.spot.spares", spec.Spot.Spares, 0, 100);
        CheckUpdate(spec.Update, faults);
        Positive(faults, "spec.budget.max_price_per_hour_micro_eur", spec.Budget.MaxPricePerHour);
        Positive(faults, "spec.budget.max_per_day_micro_eur", spec.Budget.MaxPerDay);
        return [.. faults];
    }

    /// <summary>The fault of a budget that not even one replica fits; null when one does.</summary>
    /// <param name="cheapest">Price per hour of the cheapest offer that matches the template now; null when none does.</param>
    public static SpecFault? BudgetFault(ServiceSpec spec, MicroEuro? cheapest) =>
        spec.Budget.MaxPricePerHour is { } most && cheapest > most
            ? new SpecFault(
                "spec.budget.max_price_per_hour_micro_eur",
                Text(
                    $"Is {most.Value} ({most} EUR); one replica costs at least {cheapest.Value.Value} ({cheapest} EUR) an hour now."
                )
            )
            : null;

    private static void CheckScaling(ServiceSpec spec, List<SpecFault> faults)
    {
        const string at = "spec.scaling";
        var scaling = spec.Scaling;
        if (scaling.TargetOutstanding is { } requests)
        {
            Range(faults, $"{at}.target_outstanding_per_replica", requests, 1, LargestTarget);
        }

        if (scaling.TargetTokensPerSecond is { } tokens)
        {
            Range(faults, $"{at}.target_tokens_per_second", tokens, 1, LargestTarget);
            if (scaling.TargetOutstanding is not null)
            {
                faults.Add(new($"{at}.target_tokens_per_second", "Give only one of the two targets."));
            }
        }

        Range(faults, $"{at}.up_window", scaling.UpWindow, TimeSpan.Zero, Hour);
        Range(faults, $"{at}.down_window", scaling.DownWindow, TimeSpan.Zero, Hour);
        Range(faults, $"{at}.idle_to_zero", scaling.IdleToZero, Second, Day);
    }

    private static void CheckUpdate(UpdateSettings update, List<SpecFault> faults)
    {
        const string at = "spec.update";
        Range(faults, $"{at}.max_surge", update.MaxSurge, 0, MostReplicas);
        Range(faults, $"{at}.max_unavailable", update.MaxUnavailable, 0, MostReplicas);
        if (update is { MaxSurge: 0, MaxUnavailable: 0 })
        {
            faults.Add(new($"{at}.max_surge", "Must not be 0 together with max_unavailable: no replica could change."));
        }

        Range(faults, $"{at}.drain_timeout", update.DrainTimeout, TimeSpan.Zero, Hour);
    }

    private static void Positive(List<SpecFault> faults, string field, MicroEuro? value)
    {
        if (value is { Value: <= 0 } amount)
        {
            faults.Add(new(field, Text($"Is {amount.Value}; accepted is 1 or more.")));
        }
    }

    private static void Range(List<SpecFault> faults, string field, int value, int least, int most)
    {
        if (value < least || value > most)
        {
            faults.Add(new(field, Text($"Is {value}; accepted is {least} to {most}.")));
        }
    }

    private static void Range(List<SpecFault> faults, string field, TimeSpan value, TimeSpan least, TimeSpan most)
    {
        if (value < least || value > most)
        {
            faults.Add(
                new(
                    field,
                    Text($"Is {value.TotalSeconds} s; accepted is {least.TotalSeconds} s to {most.TotalSeconds} s.")
                )
            );
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

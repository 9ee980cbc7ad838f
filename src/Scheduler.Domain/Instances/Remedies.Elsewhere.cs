using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Placement;
using static Scheduler.Domain.Failures.FailureCode;

namespace Scheduler.Domain.Instances;

/// <summary>Remedies of failures that another route may cure.</summary>
public static partial class Remedies
{
    /// <summary>
    /// A start on another route. Where only the failed route matches, the changes that admit another one come first; a
    /// provider that failed on one route after another is left first.
    /// </summary>
    private static IEnumerable<Remedy?> Elsewhere(
        InstanceRecord record,
        ImmutableSortedDictionary<string, string> details
    )
    {
        var again = StartAgain(Rerouted(record, details));
        var elsewhere = Relaxations(record.Spec, details).ToList();
        var any = AnyProvider(record.Spec);
        return details.ContainsKey(NextRoute.OnlyRoute) || IsAloneAsStoredBefore(record, details)
                ? [.. elsewhere, elsewhere.Exists(way => way?.Spec == any?.Spec) ? null : any, again]
            : record.PastFailures?.IsRepeatedAtProvider is true ? [any, again]
            : [again, any];
    }

    /// <summary>Failures of providers of an earlier build name the failed route as the next one, or none.</summary>
    private static bool IsAloneAsStoredBefore(
        InstanceRecord record,
        ImmutableSortedDictionary<string, string> details
    ) =>
        record.Failure?.Failure.Code is ProviderTimeout or ProviderRejected
        && details.Line("route") is { } route
        && (details.Line("next_route") ?? route) == route;

    /// <summary>
    /// A runtime that printed something may only need more time. One that printed nothing probably waits for its host, so
    /// another route comes first. Where there is only one route, both may be wrong: the changes that admit another one also
    /// raise the timeout.
    /// </summary>
    private static IEnumerable<Remedy?> AfterStartTimeout(
        InstanceRecord record,
        ImmutableSortedDictionary<string, string> details
    )
    {
        var longer = LongerStart(record.Spec, details);
        var elsewhere = Elsewhere(record, details).Select(way => WithLongerStart(record.Spec, way, longer));
        var isOnly = details.ContainsKey(NextRoute.OnlyRoute);
        return details.ContainsKey("output_tail") && !isOnly ? [longer, .. elsewhere] : [.. elsewhere, longer];
    }

    private static Remedy? WithLongerStart(LaunchSpec from, Remedy? way, Remedy? longer)
    {
        if (way is not { Spec: { } changed, Changes.IsEmpty: false } || longer is not { Changes.IsEmpty: false })
        {
            return way;
        }

        var both = changed with { StartTimeout = longer.Spec!.StartTimeout };
        return way with
        {
            Title = $"{way.Title} and {char.ToLowerInvariant(longer.Title[0])}{longer.Title[1..]}",
            Changes = SpecChanges.Between(from, both),
            Spec = both,
        };
    }

    /// <summary>Names the route that ranks last and the next route, as far as they are known.</summary>
    private static string Rerouted(InstanceRecord record, ImmutableSortedDictionary<string, string> details)
    {
        if (
            details.Line("route") is not { } route
            || record.AvoidedRoutes.LastOrDefault(avoided => avoided.Covers(route)) is not { } last
        )
        {
            return "Start again";
        }

        var until = last.Until.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        var what = last.IsWholeProvider ? last.Route.Provider.Value : route;
        var title = $"Start again: {what} ranks last until {until}";
        return details.Line("next_route") is not { } next || next == route ? title
            : details.Money("next_price_per_hour_micro_eur") is { } price
                ? $"{title}, the next route is {next} at {price} EUR/h"
            : $"{title}, the next route is {next}";
    }

    private static Remedy? AnyProvider(LaunchSpec spec) =>
        spec.Constraints.Providers.Length == 1
            ? Change("any-provider", spec, spec with { Constraints = spec.Constraints with { Providers = [] } })
            : null;

    /// <summary>The timeout from the hint, capped, if it is longer than the one that was too short.</summary>
    private static Remedy? LongerStart(LaunchSpec spec, ImmutableSortedDictionary<string, string> details)
    {
        if (details.Number("suggested_start_timeout_seconds", 1) is not { } suggested)
        {
            return null;
        }

        var longest = (long)SpecLimits.LongestWait.TotalSeconds;
        var seconds = Math.Min(suggested, longest);
        if (details.Number("waited_seconds", seconds) is not null)
        {
            return null;
        }

        var wait = TimeSpan.FromSeconds(seconds);
        return Change(
            "raise-start-timeout",
            spec,
            spec.StartTimeout >= wait ? spec : spec with { StartTimeout = wait }
        );
    }
}

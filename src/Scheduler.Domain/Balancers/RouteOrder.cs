using System.Collections.Immutable;

namespace Scheduler.Domain.Balancers;

public static class RouteOrder
{
    public static BalancerRoute Default(BalancerSpec spec) => spec.Routes.First(route => route.IsDefault);

    /// <summary>Enabled routes by priority, equal priorities in the order of the spec, the default last.</summary>
    public static ImmutableArray<BalancerRoute> Of(BalancerSpec spec) =>
        [.. spec.Routes.Where(route => route.Enabled).OrderBy(route => route.IsDefault).ThenBy(r => r.Priority)];

    /// <summary>The named route, then the default; only the default when none is named.</summary>
    /// <param name="named">The result of <see cref="IntentQuestion.Read"/>.</param>
    public static ImmutableArray<BalancerRoute> Of(BalancerSpec spec, BalancerRoute? named)
    {
        var last = Default(spec);
        return named is null || named == last ? [last] : [named, last];
    }
}

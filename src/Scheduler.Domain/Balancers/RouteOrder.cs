using System.Collections.Immutable;

namespace Scheduler.Domain.Balancers;

/// <summary>In which order a request tries the routes of a balancer.</summary>
public static class RouteOrder
{
    /// <summary>The default route.</summary>
    /// <param name="spec">A checked spec.</param>
    public static BalancerRoute Default(BalancerSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return spec.Routes.First(route => route.IsDefault);
    }

    /// <summary>Enabled routes by priority, equals as they are listed, the default last.</summary>
    /// <param name="spec">A checked spec.</param>
    public static ImmutableArray<BalancerRoute> Of(BalancerSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return [.. spec.Routes.Where(route => route.Enabled).OrderBy(route => route.IsDefault).ThenBy(r => r.Priority)];
    }

    /// <summary>The route the router model named, then the default; the default alone where it named none.</summary>
    /// <param name="spec">A checked spec.</param>
    /// <param name="named">What <see cref="IntentQuestion.Read"/> made of its answer.</param>
    public static ImmutableArray<BalancerRoute> Of(BalancerSpec spec, BalancerRoute? named)
    {
        var last = Default(spec);
        return named is null || named == last ? [last] : [named, last];
    }
}

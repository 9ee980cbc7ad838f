using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Firewalls;

/// <summary>Keys of the grains of this slice; they begin with what no hexadecimal number begins with (see <see cref="GrainKeys"/>).</summary>
public static class FirewallKeys
{
    /// <summary>The grain of an account's rule.</summary>
    public static IFirewallRuleGrain FirewallRule(this IGrainFactory grains, AccountId account, string slug)
    {
        ArgumentNullException.ThrowIfNull(grains);
        return grains.GetGrain<IFirewallRuleGrain>(Rule(account, slug));
    }

    /// <summary>The grain of a firewall.</summary>
    public static IFirewallGrain Firewall(this IGrainFactory grains, AccountId account, string slug)
    {
        ArgumentNullException.ThrowIfNull(grains);
        return grains.GetGrain<IFirewallGrain>(Firewall(account, slug));
    }

    /// <summary>The grain that records an account's evaluations.</summary>
    public static IEvaluationsGrain Evaluations(this IGrainFactory grains, AccountId account)
    {
        ArgumentNullException.ThrowIfNull(grains);
        return grains.GetGrain<IEvaluationsGrain>($"evaluations-{account}");
    }

    /// <summary>Any of the stateless workers that list rules, firewalls and evaluations.</summary>
    public static IFirewallListGrain FirewallLists(this IGrainFactory grains)
    {
        ArgumentNullException.ThrowIfNull(grains);
        return grains.GetGrain<IFirewallListGrain>("firewalls");
    }

    internal static string Rule(AccountId account, string slug) => $"rule-{account}/{slug}";

    internal static string Firewall(AccountId account, string slug) => $"firewall-{account}/{slug}";

    internal static string SlugOf(string key) => key[(key.IndexOf('/', StringComparison.Ordinal) + 1)..];
}

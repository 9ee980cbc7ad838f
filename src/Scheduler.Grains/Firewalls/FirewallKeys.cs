using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Firewalls;

/// <summary>
/// Keys of the grains of this folder; their prefixes are no hexadecimal numbers (see <see cref="GrainKeys"/>).
/// </summary>
public static class FirewallKeys
{
    /// <summary>The grain of an account's rules and firewalls.</summary>
    public static IFirewallGrain Firewalls(this IGrainFactory grains, AccountId account) =>
        grains.GetGrain<IFirewallGrain>($"firewalls-{account}");

    /// <summary>The grain that records an account's evaluations.</summary>
    public static IEvaluationsGrain Evaluations(this IGrainFactory grains, AccountId account) =>
        grains.GetGrain<IEvaluationsGrain>($"evaluations-{account}");

    /// <summary>The account in the key of one of these grains.</summary>
    public static AccountId AccountOf(string key) => new(key[(key.IndexOf('-', StringComparison.Ordinal) + 1)..]);
}

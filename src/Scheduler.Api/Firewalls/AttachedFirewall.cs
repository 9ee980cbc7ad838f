using System.Collections.Immutable;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Firewalls;

namespace Scheduler.Api.Firewalls;

/// <summary>A firewall that is to be attached to an account, an instance or a balancer.</summary>
internal static class AttachedFirewall
{
    /// <summary>Notes a slug that is none; empty detaches.</summary>
    public static void CheckAttached(this Faults faults, string field, string slug)
    {
        if (slug.Length > 0 && !FirewallChecks.IsSlug(slug))
        {
            faults.Add(field, $"Must be {FirewallChecks.Slug}, or empty for none.");
        }
    }

    /// <summary>
    /// Refuses a firewall the account does not have: one that is missing lets nothing through, and who attaches it should learn that now.
    /// </summary>
    /// <param name="grains">Where firewalls are asked.</param>
    /// <param name="account">Whose.</param>
    /// <param name="slug">Which; null and empty need none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="DoorException">There is no such firewall.</exception>
    public static async Task RequireFirewallAsync(
        this IGrainFactory grains,
        AccountId account,
        string? slug,
        CancellationToken cancellationToken
    )
    {
        if (string.IsNullOrEmpty(slug))
        {
            return;
        }

        var answer = await grains.Firewall(account, slug).GetAsync(account).WaitAsync(cancellationToken);
        if (!answer.IsOk)
        {
            ImmutableArray<FieldFault> faults = [new("firewall", $"The account has no firewall '{slug}'.")];
            throw new DoorException(DoorError.Invalid(faults));
        }
    }
}

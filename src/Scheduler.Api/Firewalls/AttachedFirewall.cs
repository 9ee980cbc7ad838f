using System.Collections.Immutable;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Firewalls;

namespace Scheduler.Api.Firewalls;

/// <summary>Checks a firewall that a request attaches to an account, an instance or a balancer.</summary>
internal static class AttachedFirewall
{
    /// <summary>
    /// Adds a validation error for an invalid slug. An empty slug is valid: it detaches the firewall.
    /// </summary>
    public static void CheckAttached(this Faults faults, string field, string slug)
    {
        if (slug.Length > 0 && !FirewallValidation.IsSlug(slug))
        {
            faults.Add(field, $"Must be {FirewallValidation.Slug}, or empty for none.");
        }
    }

    /// <summary>
    /// Refuses a firewall that the account does not have. A missing firewall refuses every request, so the caller must
    /// get the error when attaching it. A null or empty slug passes.
    /// </summary>
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

        var answer = await grains.Firewalls(account).GetAsync(slug, account).WaitAsync(cancellationToken);
        if (!answer.IsOk)
        {
            ImmutableArray<FieldFault> faults = [new("firewall", $"The account has no firewall '{slug}'.")];
            throw new ApiException(ApiError.Invalid(faults));
        }
    }
}

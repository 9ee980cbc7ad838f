using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>The account has as much as it may have.</summary>
/// <param name="Used">What it has, without what was asked for.</param>
/// <param name="Wanted">What was asked for.</param>
public sealed record QuotaExceededFacts(AccountId Account, Quota Quota, long Used, long Wanted, long Limit)
    : FailureFacts(FailureCode.QuotaExceeded)
{
    protected internal override FailureText Describe() =>
        new(
            $"Account {Account} uses {Used} of {Limit} {What}; {Wanted} more would exceed its quota.",
            $"{Remedy}ask the operator to raise the quota {Quota.WireName()}.",
            Details(("quota", Quota.WireName()), ("used", Used), ("wanted", Wanted), ("limit", Limit))
        );

    private string What => Quota == Quota.ModelBytes ? "bytes of registered models" : Quota.WireName();

    // A registered model cannot be deleted.
    private string Remedy =>
        Quota switch
        {
            Quota.Instances
            or Quota.Firewalls
            or Quota.Balancers
            or Quota.Schedules
            or Quota.Secrets
            or Quota.Services => $"Delete {Quota.WireName()} that are not needed, or ",
            Quota.Keys => "Revoke keys that are not needed, or ",
            Quota.Models or Quota.ModelBytes => "Use a model that is registered already, or ",
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}

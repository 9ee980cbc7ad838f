using System.Diagnostics;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Dashboard.Failures;

/// <summary>What the catalogue knows in numbers and names, as people read it.</summary>
internal static class FailureWords
{
    public static string Title(this FailureCategory category) =>
        category switch
        {
            FailureCategory.Auth => "Auth",
            FailureCategory.Launch => "Launch",
            FailureCategory.Runtime => "Runtime",
            _ => throw new UnreachableException(),
        };

    public static string Meaning(this FailureCategory category) =>
        category switch
        {
            FailureCategory.Auth => "The key of a request.",
            FailureCategory.Launch => "On the way from start to running.",
            FailureCategory.Runtime => "While running, and requests to what runs.",
            _ => throw new UnreachableException(),
        };

    /// <summary>Whether trying again helps, in few words.</summary>
    public static string Word(this FailureRetry retry) =>
        retry switch
        {
            FailureRetry.No => "no",
            FailureRetry.Yes => "yes",
            FailureRetry.AfterTopUp => "after a top-up",
            FailureRetry.AfterChange => "after a change",
            FailureRetry.LaterOrAfterChange => "later, or after a change",
            _ => throw new UnreachableException(),
        };

    /// <summary>
    /// Where a code is to be seen that answers a request and is never the state of an instance; empty for those that instances fail with.
    /// </summary>
    public static IReadOnlyList<Place> AnsweredDirectly(this FailureCode code) =>
        code switch
        {
            FailureCode.AuthMissingToken or FailureCode.AuthInvalidToken or FailureCode.AuthRevokedToken =>
            [
                new("Counted by code in the metric", "scheduler.keys.refused", null),
                new("Keys, and when each was last used and revoked", "the account's page", Place.Accounts),
            ],
            FailureCode.FirewallBlocked =>
            [
                new(
                    "What was asked of each rule and what it said",
                    "evaluations on the firewall's page",
                    "/dashboard/firewalls"
                ),
            ],
            FailureCode.JudgeUnreachable =>
            [
                new(
                    "Requests that had no verdict, and why",
                    "evaluations on the firewall's page",
                    "/dashboard/firewalls"
                ),
                new("Whether the judge runs", "its instance", "/dashboard/instances"),
            ],
            FailureCode.NoHealthyDestination =>
            [
                new("Each destination and why it is out", "the balancer's page", "/dashboard/balancers"),
            ],
            FailureCode.RuntimeError =>
            [
                new("The latest failed requests at each destination", "the balancer's page", "/dashboard/balancers"),
                new("Counted by reason in the metric", "http.server.request.duration", null),
            ],
            FailureCode.CtxTooLarge or FailureCode.InstanceNotRunning or FailureCode.RateLimited =>
            [
                new("Counted by reason in the metric", "http.server.request.duration", null),
            ],
            FailureCode.None
            or FailureCode.BillingBelowMinimum
            or FailureCode.GpuIncompatible
            or FailureCode.SmartNoMatch
            or FailureCode.ProviderTimeout
            or FailureCode.ProviderRejected
            or FailureCode.OomKilled
            or FailureCode.ImagePullFailed
            or FailureCode.ModelLoadError
            or FailureCode.RuntimeStartTimeout
            or FailureCode.RuntimeExited
            or FailureCode.Preempted
            or FailureCode.BalanceExhausted
            or FailureCode.ModelNotFound => [],
            _ => throw new UnreachableException(),
        };
}

/// <summary>Where something is to be seen.</summary>
/// <param name="What">What is seen there.</param>
/// <param name="Name">Its name.</param>
/// <param name="Path">Its page; null where it is none of ours.</param>
internal sealed record Place(string What, string Name, string? Path)
{
    /// <summary>Accounts: a session of one account is led to its own.</summary>
    public const string Accounts = "/dashboard/accounts";

    /// <summary>The page as these eyes may open it.</summary>
    /// <param name="eyes">Whose; null for an operator's.</param>
    public string? PathFor(AccountId? eyes) => Path == Accounts && eyes is { } own ? $"{Accounts}/{own}" : Path;
}

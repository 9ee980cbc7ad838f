using System.Diagnostics;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Dashboard.Failures;

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
            FailureCategory.Auth => "Authentication of requests.",
            FailureCategory.Launch => "Between start and running.",
            FailureCategory.Runtime => "While an instance runs, and for requests to it.",
            _ => throw new UnreachableException(),
        };

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
    /// Where to find cases of a code that only answers requests; empty for codes that instances fail with.
    /// </summary>
    public static IReadOnlyList<CaseSource> AnsweredDirectly(this FailureCode code) =>
        code switch
        {
            FailureCode.AuthMissingToken or FailureCode.AuthInvalidToken or FailureCode.AuthRevokedToken =>
            [
                new("Counted by code in the metric", "scheduler.keys.refused", null),
                new("Keys, and when each was last used and revoked", "the account's page", CaseSource.Accounts),
            ],
            FailureCode.FirewallBlocked =>
            [
                new("Each rule and its verdict", "evaluations on the firewall's page", "/dashboard/firewalls"),
            ],
            FailureCode.JudgeUnreachable =>
            [
                new(
                    "Requests without a verdict, and why",
                    "evaluations on the firewall's page",
                    "/dashboard/firewalls"
                ),
                new("Whether the judge runs", "its instance", "/dashboard/instances"),
            ],
            FailureCode.NoHealthyDestination =>
            [
                new("Each destination and why it is unavailable", "the balancer's page", "/dashboard/balancers"),
            ],
            FailureCode.ServiceNotReady => [new("Counted in the metric", "scheduler.inference.hold.duration", null)],
            FailureCode.RuntimeError =>
            [
                new("The latest failed requests at each destination", "the balancer's page", "/dashboard/balancers"),
                new("Counted by reason in the metric", "http.server.request.duration", null),
            ],
            FailureCode.QuotaExceeded =>
            [
                new("Each quota, and how much of it is used", "the account's page", CaseSource.Accounts),
            ],
            FailureCode.ModelImportRefused or FailureCode.HubUnreachable =>
            [
                new("The cause and the hub's own words", "the answer of the import", null),
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

/// <summary>A source that shows cases of a failure.</summary>
/// <param name="Path">Path of the dashboard page; null outside the dashboard.</param>
internal sealed record CaseSource(string What, string Name, string? Path)
{
    /// <summary>Accounts page; for a session of one account, <see cref="PathFor"/> returns its own page.</summary>
    public const string Accounts = "/dashboard/accounts";

    /// <summary>The page that the caller may open.</summary>
    /// <param name="accessScope">Account of the caller; null for an operator.</param>
    public string? PathFor(AccountId? accessScope) =>
        Path == Accounts && accessScope is { } own ? $"{Accounts}/{own}" : Path;
}

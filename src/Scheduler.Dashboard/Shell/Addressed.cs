using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.Edge;

namespace Scheduler.Dashboard.Shell;

/// <summary>
/// Ids out of addresses and forms. What has not an id's form is nobody's, and no grain is asked about it: its key would be a stranger's
/// text.
/// </summary>
internal static class Addressed
{
    /// <summary>What an account's id is.</summary>
    public const string AccountForm = "`acct-` and 1 to 40 of a-z 0-9 -";

    /// <summary>What a caller's own id of something is.</summary>
    public const string TokenForm = "1 to 128 of A-Z a-z 0-9 . _ -";

    /// <summary>An account.</summary>
    /// <exception cref="DoorException">No account has such an id.</exception>
    public static AccountId Account(string text) => new(Of(text, Grammar.IsAccountId));

    /// <summary>An instance.</summary>
    /// <exception cref="DoorException">No instance has such an id.</exception>
    public static InstanceId Instance(string text) => new(Of(text, Grammar.IsInstanceId));

    /// <summary>A balancer.</summary>
    /// <exception cref="DoorException">No balancer has such an id.</exception>
    public static BalancerId Balancer(string text) => new(Of(text, Grammar.IsBalancerId));

    /// <summary>A firewall or a rule.</summary>
    /// <exception cref="DoorException">None has such a slug.</exception>
    public static string Slug(string text) => Of(text, FirewallChecks.IsSlug);

    /// <summary>A key.</summary>
    /// <exception cref="DoorException">No key has such an id.</exception>
    public static string Key(string text) => Of(text, KeyToken.IsKeyId);

    /// <summary>A schedule.</summary>
    /// <exception cref="DoorException">No schedule has such an id.</exception>
    public static string Schedule(string text) => Of(text, Grammar.IsScheduleId);

    private static string Of(string text, Func<string, bool> isOne) =>
        isOne(text) ? text : throw new DoorException(DoorError.NotFound(text.Length > 64 ? text[..64] + "…" : text));
}

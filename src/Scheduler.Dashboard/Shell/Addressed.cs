using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Hosts;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.Domain.Secrets;
using Scheduler.Edge;

namespace Scheduler.Dashboard.Shell;

/// <summary>
/// Parses ids from URLs and forms. A malformed id is "not found" without a grain call, because the grain key would be
/// arbitrary caller text.
/// </summary>
internal static class Addressed
{
    /// <summary>Form of an account id.</summary>
    public const string AccountForm = "`acct-` and 1 to 40 of a-z 0-9 -";

    /// <summary>Form of an id that the caller chooses.</summary>
    public const string TokenForm = "1 to 128 of A-Z a-z 0-9 . _ -";

    public static AccountId Account(string text) => new(Of(text, Grammar.IsAccountId));

    public static InstanceId Instance(string text) => new(Of(text, Grammar.IsInstanceId));

    public static BalancerId Balancer(string text) => new(Of(text, Grammar.IsBalancerId));

    /// <summary>Slug of a firewall or a rule.</summary>
    public static string Slug(string text) => Of(text, FirewallValidation.IsSlug);

    public static string Key(string text) => Of(text, KeyToken.IsKeyId);

    public static string Secret(string text) => Of(text, SecretValidation.IsName);

    public static string Host(string text) => Of(text, HostNames.IsName);

    public static string JoinToken(string text) => Of(text, Domain.Hosts.JoinToken.IsId);

    public static string Schedule(string text) => Of(text, Grammar.IsScheduleId);

    private static string Of(string text, Func<string, bool> isOne) =>
        isOne(text) ? text : throw new ApiException(ApiError.NotFound(text.Length > 64 ? text[..64] + "…" : text));
}

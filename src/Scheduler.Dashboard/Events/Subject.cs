using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Grains;

namespace Scheduler.Dashboard.Events;

/// <summary>Display name and page of the subject of an event.</summary>
/// <param name="Kind">For display: <c>instance</c>, <c>account</c> …</param>
/// <param name="Path">Path of its page; null if it has none.</param>
public sealed record Subject(string Kind, string Name, string? Path)
{
    public static Subject Of(EventSubject subject) =>
        subject.Kind switch
        {
            "instance" => new("instance", subject.Id, InstancePath(subject.Id)),
            "schedules" => OfSchedules(GrainKeys.InstanceOfSchedules(subject.Id)),
            "account" => new("account", subject.Id, AccountPath(subject.Id)),
            "key" => new("key", subject.Id, subject.Account is { } owner ? AccountPath(owner.Value) : null),
            "model" => new("model", AfterSlash(subject.Id), null),
            "balancer" => new("balancer", subject.Id, $"{DashboardSetup.Root}/balancers/{subject.Id}"),
            "firewall" when subject.Account is { } owner => new(
                "firewall",
                AfterSlash(subject.Id),
                FirewallPath(owner, AfterSlash(subject.Id))
            ),
            "rule" when subject.Account is { } owner => new(
                "firewall rule",
                AfterSlash(subject.Id),
                $"{DashboardSetup.Root}/firewalls/rules?account={owner}"
            ),
            "provider" => OfProvider(ProviderOf(subject)),
            _ => new(subject.Kind, subject.Id, null),
        };

    /// <summary>Provider id from a grain key with the prefix <c>provider-</c>.</summary>
    internal static string ProviderOf(EventSubject subject)
    {
        const string prefix = "provider-";
        return subject.Id.StartsWith(prefix, StringComparison.Ordinal) ? subject.Id[prefix.Length..] : subject.Id;
    }

    private static Subject OfSchedules(InstanceId instance) =>
        new("schedules of", instance.Value, InstancePath(instance.Value));

    private static Subject OfProvider(string id) => new("provider", id, $"{DashboardSetup.Root}/providers/{id}");

    private static string InstancePath(string id) => $"{DashboardSetup.Root}/instances/{id}";

    private static string AccountPath(string id) => $"{DashboardSetup.Root}/accounts/{id}";

    private static string FirewallPath(AccountId account, string slug) =>
        $"{DashboardSetup.Root}/firewalls/{account}/{slug}";

    private static string AfterSlash(string id) => id[(id.IndexOf('/', StringComparison.Ordinal) + 1)..];
}

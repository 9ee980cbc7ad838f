using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Grains;

namespace Scheduler.Dashboard.Events;

/// <summary>What an event is about, as a person reads it, and the page it has.</summary>
/// <param name="Kind">In words: <c>instance</c>, <c>account</c> …</param>
/// <param name="Name">Its id or name.</param>
/// <param name="Path">Its page; null where it has none.</param>
public sealed record Subject(string Kind, string Name, string? Path)
{
    /// <summary>The subject of an event.</summary>
    /// <param name="subject">As it is stored.</param>
    public static Subject Of(EventSubject subject)
    {
        ArgumentNullException.ThrowIfNull(subject);
        return subject.Kind switch
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
    }

    /// <summary>A provider's id from the key of its grain.</summary>
    /// <param name="subject">A subject of the kind <c>provider</c>.</param>
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

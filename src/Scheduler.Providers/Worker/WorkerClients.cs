using System.Collections.Concurrent;
using Scheduler.Domain.Hosts;

namespace Scheduler.Providers.Worker;

/// <summary>One client for each host, as long as its address and the credentials do not change.</summary>
internal sealed class WorkerClients(TimeSpan timeout, TimeProvider clock) : IDisposable
{
    private readonly ConcurrentDictionary<string, Entry> _clients = new(StringComparer.Ordinal);

    internal WorkerClient Of(JoinedHost host, HostTrust trust)
    {
        var wanted = new Identity(host.Address, trust.Client!.Thumbprint, trust.Authority!.Thumbprint);
        var entry = _clients.AddOrUpdate(
            host.Name,
            _ => new Entry(wanted, Make(host, trust)),
            (_, known) => known.Identity == wanted ? known : new Entry(wanted, Make(host, trust))
        );
        return entry.Client.Value;
    }

    public void Dispose()
    {
        foreach (var entry in _clients.Values.Where(entry => entry.Client.IsValueCreated))
        {
            entry.Client.Value.Dispose();
        }
    }

    // A replaced client is not disposed: calls may use it, and its connections end by their age.
    private Lazy<WorkerClient> Make(JoinedHost host, HostTrust trust) =>
        new(() => new WorkerClient(host, trust, timeout, clock));

    private sealed record Identity(string Address, string Client, string Authority);

    private sealed record Entry(Identity Identity, Lazy<WorkerClient> Client);
}

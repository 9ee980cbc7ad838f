namespace Scheduler.VendorServers.Kubernetes;

/// <summary>The controllers of the cluster, one after the other, whenever an object changed or a time has come.</summary>
internal sealed class ClusterLoop(ApiStore store, PodPlacer placer, Kubelet kubelet, TimeProvider clock)
{
    private Task _running = Task.CompletedTask;

    internal void Start(CancellationToken stopping) => _running = RunAsync(stopping);

    /// <summary>Waits until the controllers have ended, and ends all containers.</summary>
    internal void Stop()
    {
        _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
        kubelet.StopAllAsync().GetAwaiter().GetResult();
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        while (true)
        {
            var changed = store.Changed;
            CollectOrphans();
            var due = PodPlacer.Earlier(placer.Round(), await kubelet.RoundAsync());
            var wait = due is { } at ? at - clock.GetUtcNow() : TimeSpan.FromMinutes(1);
            wait = wait < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : wait;
            using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(changed, Task.Delay(wait, clock, done.Token));
            await done.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The garbage collector: an object whose owners are all gone is deleted.</summary>
    private void CollectOrphans()
    {
        var alive = new[] { "pods", "secrets", "configmaps", "services" }
            .SelectMany(resource => store.List(resource, null).Items.Select(item => (Resource: resource, Item: item)))
            .ToList();
        var uids = alive.Select(one => one.Item.Uid()).ToHashSet(StringComparer.Ordinal);
        foreach (var (resource, item) in alive)
        {
            var owners = item.Items("metadata", "ownerReferences").ToList();
            if (owners.Count == 0 || owners.Exists(owner => uids.Contains(owner.Text("uid")!)) || item.IsBeingDeleted())
            {
                continue;
            }

            var ns = item.Text("metadata", "namespace")!;
            if (resource == "pods" && item.Text("spec", "nodeName") is not null)
            {
                PodEnd.Ask(store, item, null, clock.GetUtcNow());
            }
            else
            {
                store.Remove(resource, ns, item.Name());
            }
        }
    }
}

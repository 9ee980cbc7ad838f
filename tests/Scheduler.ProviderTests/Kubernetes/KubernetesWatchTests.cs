using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Providers.Kubernetes;
using Scheduler.TestKit;
using Scheduler.VendorServers.Kubernetes;
using Xunit;

namespace Scheduler.ProviderTests.Kubernetes;

/// <summary>A watch reports each change, whatever becomes of the connection, its version and its events.</summary>
public sealed class KubernetesWatchTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public Task A_watch_that_ends_after_each_event_goes_on() =>
        FollowsAsync(quirks => quirks.WatchCutAfter = 1, static _ => { });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task An_expired_version_leads_to_a_new_list(bool byEvent) =>
        FollowsAsync(
            quirks => (quirks.WatchCutAfter, quirks.ExpireByEvent) = (1, byEvent),
            static server => server.Compact()
        );

    [Fact]
    public Task Lost_events_are_found_by_the_next_list() =>
        FollowsAsync(static quirks => quirks.EventsLost = 1_000, static server => server.Compact());

    [Fact]
    public Task A_silent_watch_is_replaced_by_a_list() =>
        FollowsAsync(
            static quirks => quirks.WatchSilent = true,
            static _ => { },
            static options => options.WatchTimeout = TimeSpan.FromMilliseconds(100)
        );

    [Fact]
    public Task Bookmarks_are_no_changes() =>
        FollowsAsync(static quirks => quirks.BookmarkEvery = TimeSpan.FromMilliseconds(5), static _ => { });

    [Fact]
    public Task A_busy_api_server_does_not_end_the_watch() =>
        FollowsAsync(static quirks => (quirks.WatchCutAfter, quirks.Throttled) = (1, 2), static _ => { });

    [Fact]
    public async Task A_pod_without_a_node_is_not_reported()
    {
        await using var world = await KubernetesWorld.StartAsync(Ct);
        var provider = world.Open();
        world.Server.Quirks.SchedulerPaused = true;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await using var watch = provider.WatchAsync(KubernetesWorld.Cluster, stop.Token).GetAsyncEnumerator(stop.Token);
        var first = watch.MoveNextAsync().AsTask();
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(Ct);

        // An observation would count as the allocation, although no node has the pod.
        var allocating = provider.AllocateAsync(KubernetesWorld.Request("i-wait-r1-a1"), soon.Token);
        await Eventually.UntilAsync(
            () => Task.FromResult(world.Server.All("pods").Count),
            pods => pods > 0,
            "the pod is created"
        );
        await soon.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => allocating);

        Assert.False(first.IsCompleted);
        world.Server.Quirks.SchedulerPaused = false;
        Assert.True(await first.WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System, Ct));
        await stop.CancelAsync();
    }

    [Fact]
    public async Task A_pod_that_is_gone_is_reported_as_preempted()
    {
        await using var world = await KubernetesWorld.StartAsync(Ct);
        var provider = world.Open();
        var request = KubernetesWorld.Request("i-gone-r1-a1");
        await provider.AllocateAsync(request, Ct);

        await SeesAsync(
            provider,
            AllocationStatus.Preempted,
            () => world.Server.Vanish(KubernetesNames.ObjectOf(request.Key), "DeletingNode", "Deleting node gpu-1"),
            after: AllocationStatus.Ready
        );
    }

    private static async Task FollowsAsync(
        Action<KubernetesQuirks> quirk,
        Action<KubernetesServer> between,
        Action<KubernetesOptions>? configure = null
    )
    {
        await using var world = await KubernetesWorld.StartAsync(Ct);
        var provider = world.Open(configure);
        await provider.AllocateAsync(KubernetesWorld.Request("i-first-r1-a1"), Ct);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        stop.CancelAfter(TimeSpan.FromSeconds(20));
        await using var watch = provider.WatchAsync(KubernetesWorld.Cluster, stop.Token).GetAsyncEnumerator(stop.Token);
        await ReadAsync(watch, "i-first-r1-a1", AllocationStatus.Ready);
        quirk(world.Server.Quirks);

        // Retried, because the API server may be busy for the allocation too.
        var request = KubernetesWorld.Request("i-second-r1-a1");
        while (await Record.ExceptionAsync(() => provider.AllocateAsync(request, stop.Token)) is not null)
        {
            stop.Token.ThrowIfCancellationRequested();
        }

        between(world.Server);
        await ReadAsync(watch, "i-second-r1-a1", AllocationStatus.Ready);
        await world.Server.KillAsync(KubernetesNames.ObjectOf(request.Key), 1, null, "fatal error\n");
        between(world.Server);
        await ReadAsync(watch, "i-second-r1-a1", AllocationStatus.Exited);
    }

    private static async Task SeesAsync(
        KubernetesProvider provider,
        AllocationStatus status,
        Action then,
        AllocationStatus after
    )
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        stop.CancelAfter(TimeSpan.FromSeconds(20));
        await using var watch = provider.WatchAsync(KubernetesWorld.Cluster, stop.Token).GetAsyncEnumerator(stop.Token);
        await ReadAsync(watch, "i-gone-r1-a1", after);
        then();
        await ReadAsync(watch, "i-gone-r1-a1", status);
    }

    private static async Task ReadAsync(IAsyncEnumerator<Allocation> watch, string key, AllocationStatus status)
    {
        do
        {
            Assert.True(await watch.MoveNextAsync());
        } while (watch.Current.Key != new AllocationKey(key) || watch.Current.Status != status);
    }
}

using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using k8s.Autorest;
using k8s.Models;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Kubernetes;

/// <summary>Offers the GPUs of a Kubernetes cluster: an allocation is a pod that a node has taken.</summary>
/// <remarks>
/// All state is in the cluster: a secret and a pod for each key, and a tombstone for each released key. A pod that waits for a
/// node is listed as booting, so that the sweep can release it; the watch reports a pod when a node has taken it.
/// </remarks>
internal sealed partial class KubernetesProvider : IProvider, IDisposable
{
    /// <summary>Pods that are looked at together; each may need a health check and calls of the API server.</summary>
    private const int AtOnce = 16;

    private readonly KubernetesOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly KubernetesClient _client;
    private readonly KubernetesTombstones _tombstones;
    private readonly KubernetesRuntimes _runtimes;
    private readonly KubernetesAllocator _allocator;
    private readonly PodWatch _watch;

    internal KubernetesProvider(
        KubernetesOptions options,
        KubernetesClient client,
        GpuNameResolver resolver,
        IHttpClientFactory http,
        TimeProvider clock,
        ILogger<KubernetesProvider> log
    )
    {
        _options = options;
        _clock = clock;
        _log = log;
        _client = client;
        _tombstones = new KubernetesTombstones(client, options, clock, log);
        var probe = new RuntimeProbe(http, options.ProbeLimits, clock);
        _runtimes = new KubernetesRuntimes(client, options, probe, clock, log);
        var capacity = new KubernetesCapacity(options, resolver);
        _allocator = new KubernetesAllocator(client, options, capacity, _tombstones, _runtimes, clock, log);
        _watch = new PodWatch(client, options, clock, log);
    }

    public ProviderId Id => new(_options.Id);

    public FrozenSet<AccountId> OnlyFor => OnlyForAccounts.Of(_options.OnlyFor);

    public async Task<OfferListing> ListOffersAsync(CancellationToken cancellationToken)
    {
        var view = await _allocator.CapacityAsync(cancellationToken);
        var offers = view
            .Offers.Values.Select(offer => offer.Offer)
            .OrderBy(offer => offer.OfferId, StringComparer.Ordinal);
        return new OfferListing([.. offers], view.Skipped);
    }

    public Task<AllocateOutcome> AllocateAsync(AllocationRequest request, CancellationToken cancellationToken) =>
        _allocator.AllocateAsync(request, cancellationToken);

    public async Task<Allocation?> FindAsync(AllocationKey key, CancellationToken cancellationToken)
    {
        if (!KubernetesNames.IsUsable(key))
        {
            return null;
        }

        var name = KubernetesNames.ObjectOf(key);
        if (await _client.FindPodAsync(name, cancellationToken) is { } pod)
        {
            return KubernetesNames.OwnerOf(pod.Metadata)?.Key == key
                ? await _runtimes.ObserveAsync(pod, cancellationToken)
                : null;
        }

        return await _client.FindSecretAsync(name, cancellationToken) is { } secret
            ? await VanishedAsync(secret, cancellationToken)
            : null;
    }

    public async Task<string> ReadOutputAsync(AllocationKey key, CancellationToken cancellationToken) =>
        KubernetesNames.IsUsable(key)
        && await _client.FindPodAsync(KubernetesNames.ObjectOf(key), cancellationToken) is { } pod
        && KubernetesNames.OwnerOf(pod.Metadata)?.Key == key
            ? await _runtimes.ReadOutputAsync(pod, cancellationToken)
            : "";

    public async Task<IReadOnlyList<Allocation>> ListAllocationsAsync(
        string cluster,
        CancellationToken cancellationToken
    )
    {
        await _tombstones.PruneAsync(cancellationToken);
        // The secrets first: a pod that is made between the two lists is then no vanished one.
        var selector = KubernetesNames.SelectorOf(cluster);
        var secrets = await _client.ListSecretsAsync(selector, cancellationToken);
        var pods = (await _client.ListPodsAsync(selector, cancellationToken)).FindAll(pod =>
            IsOf(pod.Metadata, cluster)
        );
        var found = new ConcurrentBag<Allocation>();
        await Parallel.ForEachAsync(
            pods,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
            async (pod, cancelled) => found.Add(await _runtimes.ObserveAsync(pod, cancelled))
        );
        var alive = pods.Select(pod => pod.Metadata.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var secret in secrets.Where(one => IsOf(one.Metadata, cluster) && !alive.Contains(one.Metadata.Name)))
        {
            if (await VanishedAsync(secret, cancellationToken) is { } vanished)
            {
                found.Add(vanished);
            }
        }

        return [.. found.OrderBy(allocation => allocation.Key.Value, StringComparer.Ordinal)];
    }

    public async Task<ReleaseOutcome> ReleaseAsync(AllocationKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!KubernetesNames.IsUsable(key))
        {
            return ReleaseOutcome.Released;
        }

        // The tombstone first, and the secret also if there is no pod: see KubernetesAllocator.
        var name = KubernetesNames.ObjectOf(key);
        await _tombstones.PutAsync(key, cancellationToken);
        var pod = await _client.FindPodAsync(name, cancellationToken);
        var isOurs = pod is not null && KubernetesNames.OwnerOf(pod.Metadata)?.Key == key;
        if (isOurs && pod!.Metadata.DeletionTimestamp is null)
        {
            await _client.DeletePodAsync(pod, cancellationToken);
        }

        await _client.DeleteSecretAsync(name, cancellationToken);
        if (pod is null || !isOurs)
        {
            return ReleaseOutcome.Released;
        }

        if (_options.Reach == KubernetesReach.NodePort)
        {
            await _client.DeleteServiceAsync(name, cancellationToken);
        }

        if (await _client.FindPodAsync(name, cancellationToken) is not null)
        {
            return ReleaseOutcome.Pending;
        }

        _runtimes.Forget(pod);
        return ReleaseOutcome.Released;
    }

    public async IAsyncEnumerable<Allocation> WatchAsync(
        string cluster,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var changes = Channel.CreateUnbounded<PodChange>(new UnboundedChannelOptions { SingleReader = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var watching = _watch.RunAsync(cluster, changes.Writer, stop.Token);
        try
        {
            var view = new WatchedPods(cluster);
            Task? ready = null;
            while (true)
            {
                ready = ready is null or { IsCompleted: true }
                    ? changes.Reader.WaitToReadAsync(stop.Token).AsTask()
                    : ready;
                await _clock.WhenOrAfter(Task.WhenAny(ready, watching), _options.ProbeEvery, cancellationToken);
                if (watching.IsCompleted)
                {
                    await watching;
                }

                foreach (var seen in await LookAsync(view, changes.Reader, cancellationToken))
                {
                    yield return seen;
                }
            }
        }
        finally
        {
            await stop.CancelAsync();
            await ((Task)watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose() => _client.Dispose();

    /// <summary>Takes in the changes, and returns the allocations whose status differs from what was reported.</summary>
    private async Task<List<Allocation>> LookAsync(
        WatchedPods view,
        ChannelReader<PodChange> changes,
        CancellationToken cancellationToken
    )
    {
        var gone = new List<V1Pod>();
        while (changes.TryRead(out var change))
        {
            if (view.Apply(change))
            {
                gone.Add(change.Pod);
            }
        }

        var due = view.TakeDue(_clock.GetUtcNow(), _options.ProbeEvery);
        var seen = new ConcurrentBag<Allocation>();
        await Parallel.ForEachAsync(
            due.Select(pod => (Pod: pod, IsGone: false)).Concat(gone.Select(pod => (Pod: pod, IsGone: true))),
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
            async (one, cancelled) =>
            {
                if (await TryObserveAsync(one.Pod, one.IsGone, cancelled) is { } allocation)
                {
                    seen.Add(allocation);
                }
            }
        );
        return [.. seen.Where(view.IsNews)];
    }

    private async Task<Allocation?> TryObserveAsync(V1Pod pod, bool isGone, CancellationToken cancellationToken)
    {
        try
        {
            if (!isGone)
            {
                return await _runtimes.ObserveAsync(pod, cancellationToken);
            }

            _runtimes.Forget(pod);
            return await FindAsync(KubernetesNames.OwnerOf(pod.Metadata)!.Value.Key, cancellationToken);
        }
        catch (Exception exception)
            when (exception is HttpOperationException or HttpRequestException or TimeoutException)
        {
            LogUnseen(exception, pod.Metadata.Name);
            return null;
        }
    }

    /// <summary>A secret without a pod: the pod is gone, unless the key was released meanwhile.</summary>
    private async Task<Allocation?> VanishedAsync(V1Secret secret, CancellationToken cancellationToken) =>
        await _runtimes.OfVanishedAsync(secret, cancellationToken) is { } vanished
        && !await _tombstones.HasAsync(vanished.Key, cancellationToken)
            ? vanished
            : null;

    private static bool IsOf(V1ObjectMeta meta, string cluster) =>
        KubernetesNames.OwnerOf(meta) is { } owner
        && string.Equals(owner.Tag.Cluster, cluster, StringComparison.Ordinal);

    [LoggerMessage(6403, LogLevel.Warning, "Pod {Pod} could not be observed; trying again at the next observation")]
    private partial void LogUnseen(Exception exception, string pod);
}

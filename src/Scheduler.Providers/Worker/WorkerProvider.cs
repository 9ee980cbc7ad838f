using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Hosts;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Worker;

/// <summary>Offers the GPUs of the hosts that joined. Each host's worker starts, observes and ends the runtimes.</summary>
/// <remarks>
/// A key belongs to one host for ever (<see cref="HostKeys"/>), and the host's worker starts it at most once. So nothing is started twice,
/// whichever side crashes. A host that does not answer is unknown, never gone, until it is lost (<see cref="HostSilences"/>). What ran
/// there is then reported as preempted, and it is released when the host answers again.
/// </remarks>
internal sealed partial class WorkerProvider : IProvider, IHostProbe, IDisposable
{
    private readonly WorkerOptions _options;
    private readonly IHostRegistry _registry;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly HostKeys _keys;
    private readonly HostSilences _silences;
    private readonly WorkerClients _clients;
    private readonly ConcurrentDictionary<string, bool> _offering = new(StringComparer.Ordinal);
    private long _offersVersion;

    internal WorkerProvider(
        WorkerOptions options,
        IHostRegistry registry,
        IAllocationJournal journal,
        TimeProvider clock,
        ILogger<WorkerProvider> log
    )
    {
        (_options, _registry, _clock, _log) = (options, registry, clock, log);
        _keys = new HostKeys(Id, journal, clock);
        _silences = new HostSilences(options.LostAfter, clock);
        _clients = new WorkerClients(options.CallTimeout, clock);
    }

    public ProviderId Id => new(_options.Id);

    public bool IsEnabled => true;

    public IEnumerable<RuntimePreset> Presets => _options.AllPresets;

    public long OffersVersion => Interlocked.Read(ref _offersVersion);

    public async Task<OfferListing> ListOffersAsync(CancellationToken cancellationToken)
    {
        var trust = await _registry.ReadAsync(cancellationToken);
        var skipped = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var offers = ImmutableArray.CreateBuilder<Offer>();
        var answers = await Task.WhenAll(trust.Hosts.Select(host => OffersOfAsync(host, trust, cancellationToken)));
        foreach (var (host, answer) in trust.Hosts.Zip(answers))
        {
            if (answer is null || host.Drain is not null)
            {
                Skip(answer is null ? "host_silent" : "host_draining", 1);
                continue;
            }

            offers.AddRange(WorkerMapping.Offers(Id, host.Name, answer.Offers, reason => Skip(reason, 1)));
            foreach (var (reason, count) in answer.Skipped)
            {
                Skip(reason, count);
            }
        }

        return new OfferListing(offers.ToImmutable(), skipped.ToImmutableSortedDictionary(StringComparer.Ordinal));

        void Skip(string reason, int count) => skipped[reason] = skipped.GetValueOrDefault(reason) + count;
    }

    public async Task<AllocateOutcome> AllocateAsync(AllocationRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (WorkerMapping.Split(request.Offer.OfferId) is not var (name, offerId))
        {
            return WorkerFailures.UnknownOffer(request.Offer.OfferId);
        }

        var trust = await _registry.ReadAsync(cancellationToken);
        var host = trust.Find(name);
        var known = await _keys.FindAsync(request.Key, cancellationToken);
        if (known is null && (host is null || host.Drain is not null))
        {
            return host is null ? WorkerFailures.UnknownOffer(request.Offer.OfferId) : WorkerFailures.Draining(name);
        }

        var (entry, isNew) = await _keys.BindAsync(request, name, cancellationToken);
        if (entry.Phase is AllocationPhase.Releasing or AllocationPhase.Released)
        {
            return WorkerFailures.CalledOff(request.Key.Value);
        }

        if (WorkerMapping.HostOf(entry) is var bound && bound != name)
        {
            return WorkerFailures.OtherHost(request.Key.Value, bound);
        }

        return host is null
            ? throw new WorkerException($"Host {name} has left; what it did for '{request.Key}' is unknown.")
            : await AskAsync(request, offerId, (host, trust), (entry, isNew), cancellationToken);
    }

    public async Task<Allocation?> FindAsync(AllocationKey key, CancellationToken cancellationToken)
    {
        if (await HostOfAsync(key, cancellationToken) is not var (host, trust))
        {
            return null;
        }

        try
        {
            var found = await CallAsync(host, trust, client => client.FindAsync(key, cancellationToken));
            return found is null ? null : WorkerMapping.Of(Id, host.Name, found);
        }
        catch (WorkerException) when (_silences.IsLost(host.Name))
        {
            return await _keys.FindAsync(key, cancellationToken) is { } entry ? LostOf(host.Name, entry) : null;
        }
    }

    public async Task<string> ReadOutputAsync(AllocationKey key, CancellationToken cancellationToken) =>
        await HostOfAsync(key, cancellationToken) is var (host, trust)
            ? await CallAsync(host, trust, client => client.OutputAsync(key, cancellationToken))
            : "";

    public async Task<IReadOnlyList<Allocation>> ListAllocationsAsync(
        string cluster,
        CancellationToken cancellationToken
    )
    {
        var trust = await _registry.ReadAsync(cancellationToken);
        var lists = await Task.WhenAll(trust.Hosts.Select(host => ListAsync(host, trust, cluster, cancellationToken)));
        return [.. lists.SelectMany(list => list)];
    }

    public async Task<ReleaseOutcome> ReleaseAsync(AllocationKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var trust = await _registry.ReadAsync(cancellationToken);
        if (
            await _keys.BarAsync(key, cancellationToken) is { } name
            && trust.Find(name) is { } host
            && await CallAsync(host, trust, client => client.ReleaseAsync(key, cancellationToken))
                == ReleaseOutcome.Pending
        )
        {
            return ReleaseOutcome.Pending;
        }

        // An operator who removes a host tells that nothing of ours runs there.
        await _keys.CloseAsync(key, cancellationToken);
        return ReleaseOutcome.Released;
    }

    public async IAsyncEnumerable<Allocation> WatchAsync(
        string cluster,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var reported = new Dictionary<AllocationKey, AllocationStatus>();
        while (true)
        {
            var seen = await ListAllocationsAsync(cluster, cancellationToken);
            foreach (var allocation in seen)
            {
                if (!reported.TryGetValue(allocation.Key, out var last) || last != allocation.Status)
                {
                    reported[allocation.Key] = allocation.Status;
                    yield return allocation;
                }
            }

            foreach (var gone in reported.Keys.Except(seen.Select(allocation => allocation.Key)).ToList())
            {
                reported.Remove(gone);
            }

            await Task.Delay(_options.WatchEvery, _clock, cancellationToken);
        }
    }

    public void Dispose() => _clients.Dispose();

    private async Task<AllocateOutcome> AskAsync(
        AllocationRequest request,
        string offerId,
        (JoinedHost Host, HostTrust Trust) at,
        (AllocationEntry Entry, bool IsNew) bound,
        CancellationToken cancellationToken
    )
    {
        try
        {
            var outcome = await CallAsync(
                at.Host,
                at.Trust,
                client => client.AllocateAsync(request, offerId, cancellationToken)
            );
            if (outcome.Allocation is { } allocation)
            {
                return AllocateOutcome.Allocated(WorkerMapping.Of(Id, at.Host.Name, allocation));
            }

            if (bound.IsNew)
            {
                await _keys.RefuseAsync(bound.Entry, cancellationToken);
            }

            return outcome;
        }
        catch (WorkerException exception) when (exception.IsUnsent && bound.IsNew)
        {
            // No earlier call asked the host for this key, and this one was not sent: nothing exists, so another route may help at once.
            await _keys.RefuseAsync(bound.Entry, cancellationToken);
            return WorkerFailures.NotReached(exception.Message);
        }
    }

    private async Task<IEnumerable<Allocation>> ListAsync(
        JoinedHost host,
        HostTrust trust,
        string cluster,
        CancellationToken cancellationToken
    )
    {
        try
        {
            var listed = await CallAsync(host, trust, client => client.ListAsync(cluster, cancellationToken));
            _keys.Listed(host.Name, listed);
            return listed.Select(allocation => WorkerMapping.Of(Id, host.Name, allocation));
        }
        catch (WorkerException) when (_silences.IsLost(host.Name))
        {
            var open = await _keys.OpenAsync(host.Name, cancellationToken);
            return open.Where(entry => entry.Phase != AllocationPhase.Releasing && entry.Tag.Cluster == cluster)
                .Select(entry => LostOf(host.Name, entry));
        }
        catch (WorkerException)
        {
            // What runs there is unknown. The sweep looks for each missing key by itself, and FindAsync then tells that.
            return [];
        }
    }

    private Allocation LostOf(string host, AllocationEntry entry) =>
        new()
        {
            Key = entry.Key,
            Tag = entry.Tag,
            ProviderAllocationId = $"{Id}/{host}/{entry.Key}",
            Status = AllocationStatus.Preempted,
            Exit = WorkerFailures.Lost(host, _options.LostAfter),
            CreatedAt = entry.ChangedAt,
        };

    /// <summary>The host of a key, if it has not left.</summary>
    private async Task<(JoinedHost Host, HostTrust Trust)?> HostOfAsync(
        AllocationKey key,
        CancellationToken cancellationToken
    )
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (await _keys.HostOfAsync(key, cancellationToken) is not { } name)
        {
            return null;
        }

        var trust = await _registry.ReadAsync(cancellationToken);
        return trust.Find(name) is { } host ? (host, trust) : null;
    }
}

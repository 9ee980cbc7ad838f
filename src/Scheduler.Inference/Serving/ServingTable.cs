using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;

namespace Scheduler.Inference.Serving;

/// <summary>Recently used names, each with an open watch on its grain.</summary>
/// <remarks>
/// A watch is one open call to a grain that returns when the record changes. Changes arrive within milliseconds, and
/// unused instances cost nothing. While a grain does not answer, the last known entry stays in use, so the loss of a
/// silo does not stop requests.
/// </remarks>
internal sealed partial class ServingTable(IGrainFactory grains, TimeProvider clock, ILogger<ServingTable> logger)
    : IServingTable,
        IAsyncDisposable
{
    /// <summary>Most watched names; above it idle entries go first, new names are not kept.</summary>
    private const int Capacity = 50_000;

    /// <summary>How long an unused name is watched.</summary>
    private static readonly TimeSpan WatchedFor = TimeSpan.FromMinutes(2);

    /// <summary>How long an unknown name is cached.</summary>
    private static readonly TimeSpan NothingFor = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<(AccountId, string), Entry> _entries = new();
    private readonly AccountFirewalls _firewalls = new(grains, clock);
    private readonly CancellationTokenSource _stop = new();

    public async ValueTask<Served?> FindAsync(
        AccountId account,
        string servingName,
        CancellationToken cancellationToken
    )
    {
        var entry = _entries.GetOrAdd((account, servingName), static (name, table) => table.NewEntry(name), this);
        entry.LastUse = clock.GetTimestamp();
        if (!entry.First.IsCompletedSuccessfully)
        {
            await entry.First.WaitAsync(cancellationToken);
        }

        return entry.Current;
    }

    public Task<string?> AccountFirewallAsync(AccountId account, CancellationToken cancellationToken) =>
        _firewalls.FindAsync(account, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_entries.Values.Select(entry => entry.Watch));
        _stop.Dispose();
    }

    private Entry NewEntry((AccountId Account, string Name) name)
    {
        var entry = new Entry(name) { LastUse = clock.GetTimestamp() };
        entry.Watch = WatchAsync(entry);
        return entry;
    }

    private async Task WatchAsync(Entry entry)
    {
        // Do not block the caller: GetOrAdd may create an entry that is then discarded.
        await Task.Yield();
        try
        {
            while (!_stop.IsCancellationRequested && IsUsed(entry))
            {
                if (!await FollowAsync(entry))
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The process stops.
        }
        finally
        {
            _entries.TryRemove(new KeyValuePair<(AccountId, string), Entry>(entry.Name, entry));
            entry.FirstSource.TrySetResult();
        }
    }

    private bool IsUsed(Entry entry) =>
        clock.GetElapsedTime(entry.LastUse) < WatchedFor && (_entries.Count <= Capacity || entry.Current is null);

    /// <summary>Makes one call and stores its answer.</summary>
    /// <returns>False when the name is unknown and the entry must be removed.</returns>
    private async Task<bool> FollowAsync(Entry entry)
    {
        try
        {
            if (entry.Current is ServedInstance known)
            {
                var answer = await grains
                    .Instance(known.Id)
                    .WaitForChangeAsync(entry.Name.Account, entry.Generation, _stop.Token);
                return Take(entry, answer);
            }

            if (entry.Current is ServedBalancer balancer)
            {
                var answer = await grains
                    .Balancer(new BalancerId(balancer.Id))
                    .WaitForChangeAsync(entry.Name.Account, entry.Generation, _stop.Token);
                return Take(entry, answer);
            }

            var holder = await grains.ServingName(entry.Name.Account, entry.Name.Name).HolderAsync();
            if (holder is { IsBalancer: false } instance)
            {
                return Take(entry, await grains.Instance(new InstanceId(instance.Value)).GetAsync(entry.Name.Account));
            }

            if (holder is { IsBalancer: true } held)
            {
                return Take(entry, await grains.Balancer(new BalancerId(held.Value)).GetAsync(entry.Name.Account));
            }

            entry.Current = null;
            entry.FirstSource.TrySetResult();
            await Task.Delay(NothingFor, clock, _stop.Token);
            return false;
        }
        catch (Exception exception) when (!_stop.IsCancellationRequested)
        {
            if (!entry.First.IsCompleted)
            {
                // The first callers get the exception; the next request tries again.
                entry.FirstSource.TrySetException(exception);
                return false;
            }

            LogWatchFailed(exception, entry.Name.Account, entry.Name.Name);
            await Task.Delay(AskAgainAfter, clock, _stop.Token);
            return true;
        }
    }

    private static bool Take(Entry entry, Answer<InstanceRecord> answer)
    {
        var isThere =
            answer.IsOk && answer.Value.State.HoldsServingName() && entry.Name.Name == answer.Value.ServingName;
        entry.Current = isThere ? ToServed(answer.Value!) : null;
        entry.Generation = answer.Value?.Generation ?? 0;
        entry.FirstSource.TrySetResult();
        return isThere;
    }

    private static bool Take(Entry entry, Answer<BalancerRecord> answer)
    {
        var isThere = answer.IsOk && answer.Value.IsLive && entry.Name.Name == answer.Value.ServingName;
        entry.Current = isThere ? ToServed(answer.Value!) : null;
        entry.Generation = answer.Value?.Generation ?? 0;
        entry.FirstSource.TrySetResult();
        return isThere;
    }

    internal static ServedBalancer ToServed(BalancerRecord record) =>
        new(record.Account, record.ServingName, record.Spec.Firewall)
        {
            Id = record.Id.Value,
            Generation = record.Generation,
            Spec = record.Spec,
            Destinations = record.Spec.Destinations,
        };

    internal static ServedInstance ToServed(InstanceRecord record) =>
        new(record.Account, record.ServingName, record.Firewall)
        {
            Id = record.Id,
            Run = record.Run,
            State = record.State,
            Endpoint = record.Allocation?.Endpoint,
            ContextTokens = record.Spec.ContextTokens,
            Tokenizer = record.Allocation?.Tokenizer,
            Failure = record.State == InstanceState.Failed ? record.Failure : null,
            CreatedAt = record.CreatedAt,
        };

    [LoggerMessage(
        1,
        LogLevel.Warning,
        "Cannot refresh serving name '{Name}' of {Account}; using the cached entry"
    )]
    private partial void LogWatchFailed(Exception exception, AccountId account, string name);

    private sealed class Entry((AccountId Account, string Name) name)
    {
        private Served? _current;
        private long _lastUse;

        public (AccountId Account, string Name) Name { get; } = name;

        public TaskCompletionSource FirstSource { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Completes when the name is resolved for the first time.</summary>
        public Task First => FirstSource.Task;

        public Task Watch { get; set; } = Task.CompletedTask;

        public long Generation { get; set; }

        public Served? Current
        {
            get => Volatile.Read(ref _current);
            set => Volatile.Write(ref _current, value);
        }

        public long LastUse
        {
            get => Volatile.Read(ref _lastUse);
            set => Volatile.Write(ref _lastUse, value);
        }
    }
}

using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Simulated;

/// <summary>
/// Sends changes to watchers: changes by calls at once, and time-based changes with one shared timer. With all
/// latencies zero, nothing is due later and no timer runs.
/// </summary>
internal sealed class SimulatedWatch : IDisposable
{
    /// <summary>Buffered changes per watcher. A slow watcher loses the oldest and must query the state.</summary>
    private const int MaxBehind = 16_384;

    /// <summary>Poll interval for changes that other processes make to a shared cloud.</summary>
    private static readonly TimeSpan OthersPollInterval = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(1);

    /// <summary>Timers accept at most 49 days. A timer that fires early finds nothing due and is set again.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    private readonly Lock _gate = new();
    private readonly SimulatedMarket _market;
    private readonly PriorityQueue<string, DateTimeOffset> _due = new();
    private readonly List<View> _views = [];
    private readonly ITimer _timer;
    private DateTimeOffset _armedFor = DateTimeOffset.MaxValue;

    internal SimulatedWatch(SimulatedMarket market)
    {
        _market = market;
        _timer = market.Clock.CreateTimer(_ => OnDue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        foreach (var record in market.Cloud.Subscribe(OnChanged))
        {
            Await(record);
        }
    }

    internal View Open(ProviderId provider, string cluster)
    {
        var view = new View(this, provider, cluster);
        lock (_gate)
        {
            _views.Add(view);
            Arm_NeedsLock();
        }

        // Sends the existing records first, so that the caller misses no change between its query and its watch.
        foreach (var record in _market.Cloud.List(view.Wants))
        {
            Publish(view, record);
        }

        return view;
    }

    public void Dispose()
    {
        _market.Cloud.Unsubscribe(OnChanged);
        _timer.Dispose();
    }

    private void OnChanged(SimulatedRecord record)
    {
        PublishAll(record);
        Await(record);
    }

    private void Await(SimulatedRecord record)
    {
        if (record.NextChange(_market.Clock.GetUtcNow()) is { } next)
        {
            lock (_gate)
            {
                _due.Enqueue(record.Key, next);
                Arm_NeedsLock();
            }
        }
    }

    private void OnDue()
    {
        if (_market.Cloud.IsShared)
        {
            _market.Cloud.CatchUp();
        }

        var now = _market.Clock.GetUtcNow();
        var keys = new List<string>();
        lock (_gate)
        {
            _armedFor = DateTimeOffset.MaxValue;
            while (_due.TryPeek(out var key, out var at) && at <= now)
            {
                _due.Dequeue();
                keys.Add(key);
            }

            Arm_NeedsLock();
        }

        foreach (var key in keys)
        {
            if (_market.Cloud.Find(key) is { } record)
            {
                OnChanged(record);
            }
        }
    }

    /// <summary>Sets the timer to the next due time; leaves it off if nothing is due.</summary>
    private void Arm_NeedsLock()
    {
        var now = _market.Clock.GetUtcNow();
        var next = _due.TryPeek(out _, out var due) ? due : DateTimeOffset.MaxValue;
        if (_market.Cloud.IsShared && _views.Count > 0 && now + OthersPollInterval < next)
        {
            next = now + OthersPollInterval;
        }

        if (next < _armedFor)
        {
            _armedFor = next;
            _timer.Change(Clamp(next - now), Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Never zero: a timer that fires while it is being set would re-enter with the lock held.</summary>
    private static TimeSpan Clamp(TimeSpan wait)
    {
        if (wait < ShortestWait)
        {
            return ShortestWait;
        }

        return wait > LongestWait ? LongestWait : wait;
    }

    private void PublishAll(SimulatedRecord record)
    {
        View[] views;
        lock (_gate)
        {
            if (_views.Count == 0)
            {
                return;
            }

            views = [.. _views.Where(view => view.Wants(record))];
        }

        foreach (var view in views)
        {
            Publish(view, record);
        }
    }

    private void Publish(View view, SimulatedRecord record)
    {
        var now = _market.Clock.GetUtcNow();
        if (!record.IsHeld(now))
        {
            return;
        }

        var allocation = record.ToAllocation(now, _market.RuntimeBase);
        view.Write(allocation);
        if (record.AnswerTwice)
        {
            view.Write(allocation);
        }
    }

    private void Close(View view)
    {
        lock (_gate)
        {
            _views.Remove(view);
        }
    }

    /// <summary>One watcher: its provider, its cluster and its unread changes.</summary>
    internal sealed class View(SimulatedWatch watch, ProviderId provider, string cluster) : IDisposable
    {
        private readonly Channel<Allocation> _changes = Channel.CreateBounded<Allocation>(
            new BoundedChannelOptions(MaxBehind) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }
        );

        internal bool Wants(SimulatedRecord record) =>
            string.Equals(record.Provider, provider.Value, StringComparison.Ordinal)
            && string.Equals(record.Cluster, cluster, StringComparison.Ordinal);

        /// <summary>Never blocks: a full channel drops its oldest entry.</summary>
        internal void Write(Allocation allocation) => _changes.Writer.TryWrite(allocation);

        internal async IAsyncEnumerable<Allocation> Changes(
            [EnumeratorCancellation] CancellationToken cancellationToken
        )
        {
            await foreach (var allocation in _changes.Reader.ReadAllAsync(cancellationToken))
            {
                yield return allocation;
            }
        }

        public void Dispose() => watch.Close(this);
    }
}

using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Http;

/// <summary>
/// Allocations at a vendor that has no idempotency key: the same key never makes two, and none is forgotten.
/// </summary>
/// <remarks>
/// <para>The fence has four parts.</para>
/// <list type="number">
/// <item>
/// All silos share a journal (<see cref="IAllocationJournal"/>) with one entry per key. Before a create request is sent, the
/// entry says <see cref="AllocationPhase.Asking"/>, durably. Only the writer of that entry sends it, once.
/// </item>
/// <item>The key is in the name at the vendor (<see cref="AllocationMark"/>).</item>
/// <item>
/// The outcome of a request may stay unknown: the process was killed, or the answer was lost. Then no silo sends another one before
/// the vendor had time to list what the first one made. That time is <see cref="VendorOptions.CreateTimeout"/> and
/// <see cref="VendorOptions.Settle"/>. A list read after it decides.
/// </item>
/// <item>
/// If the vendor nevertheless lists two allocations of one key, the one in the journal is kept, or else the older one. The other is
/// destroyed.
/// </item>
/// </list>
/// <para>
/// What a crash leaves depends on its moment. Before the entry, nothing was sent. Between the entry and the answer, at any byte,
/// the entry says Asking, and part 3 finds what was made. After the answer, before it is recorded, the same holds. If two silos ask
/// for one key, one of them writes the entry, and the other waits for the outcome. A silo that was suspended after it wrote the
/// entry sends nothing when it continues late (<see cref="VendorOptions.SendWithin"/>). Part 4 repairs a suspension within the request.
/// </para>
/// <para>
/// A release is recorded before anything is destroyed, so a create request in progress cannot be forgotten: its sender finds the
/// release when it records the answer, and destroys what the request made. Until then, or until part 3 would decide, the release is
/// pending.
/// </para>
/// <para>
/// A released key stays in the journal for <see cref="VendorOptions.RememberReleased"/>. If the vendor lists an allocation under such a
/// key later, it is listed to the sweep, whose release destroys it.
/// </para>
/// </remarks>
internal sealed partial class FencedAllocations : IDisposable
{
    private static readonly TimeSpan ForgetEvery = TimeSpan.FromHours(1);

    /// <summary>Allocations observed at once.</summary>
    private const int ObservedAtOnce = 8;

    private readonly ProviderId _provider;
    private readonly IRental _rental;
    private readonly IAllocationJournal _journal;
    private readonly VendorOptions _options;
    private readonly RentedHealth _health;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly RentalList _list;
    private readonly CancellationTokenSource _closing = new();
    private DateTimeOffset _forgottenAt;
    private bool _isDisposed;

    internal FencedAllocations(
        IRental rental,
        IAllocationJournal journal,
        VendorOptions options,
        RuntimeProbe probe,
        TimeProvider clock,
        ILogger log
    )
    {
        _provider = new ProviderId(options.Id);
        _rental = rental;
        _journal = journal;
        _options = options;
        _health = new RentedHealth(rental, journal, probe, clock);
        _clock = clock;
        _log = log;
        _list = new RentalList(_provider, rental, journal, options.ListFor, clock);
    }

    /// <summary>How many surplus allocations were destroyed.</summary>
    internal int Doubled { get; private set; }

    internal async Task<Allocation?> FindAsync(AllocationKey key, CancellationToken cancellationToken)
    {
        var view = await _list.GetAsync(CallKind.Read, cancellationToken);
        return await FindAsync(view, key, cancellationToken) is ({ } rented, var entry)
            ? await _health.ObserveAsync(rented, entry, cancellationToken)
            : null;
    }

    internal async Task<string> ReadOutputAsync(AllocationKey key, CancellationToken cancellationToken)
    {
        var view = await _list.GetAsync(CallKind.Read, cancellationToken);
        if (await FindAsync(view, key, cancellationToken) is not ({ } rented, var entry))
        {
            return "";
        }

        var noted = entry is null ? null : RentalNotes.Read(entry.Notes).Exit;
        return noted?.OutputTail ?? await _rental.ReadOutputAsync(rented, cancellationToken);
    }

    internal async Task<IReadOnlyList<Allocation>> ListAsync(string cluster, CancellationToken cancellationToken)
    {
        var view = await _list.GetAsync(CallKind.Read, cancellationToken);
        await RepairAsync(view, cancellationToken);
        return await ObserveAllAsync(view, cluster, cancellationToken);
    }

    internal async IAsyncEnumerable<Allocation> WatchAsync(
        string cluster,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var reported = new Dictionary<AllocationKey, AllocationStatus>();
        while (true)
        {
            IReadOnlyList<Allocation> seen;
            try
            {
                seen = await ListAsync(cluster, cancellationToken);
                await ForgetAsync(cancellationToken);
                foreach (var gone in reported.Keys.Except(seen.Select(allocation => allocation.Key)).ToList())
                {
                    reported.Remove(gone);
                }
            }
            catch (VendorException e)
            {
                // The next read may succeed; until then no change is known.
                LogNotListed(e, _provider);
                seen = [];
            }

            foreach (var allocation in seen)
            {
                if (!reported.TryGetValue(allocation.Key, out var last) || last != allocation.Status)
                {
                    reported[allocation.Key] = allocation.Status;
                    yield return allocation;
                }
            }

            await _clock.Delay(_options.WatchEvery, cancellationToken);
        }
    }

    /// <summary>Ends the waits of this process. The next process finds out the outcome of requests in progress.</summary>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _closing.Cancel();
        _closing.Dispose();
        _list.Dispose();
    }

    /// <summary>What exists under a key, and its entry. Nothing when the key was released, whatever the list still says.</summary>
    private async Task<(Rented? Rented, AllocationEntry? Entry)> FindAsync(
        RentalView view,
        AllocationKey key,
        CancellationToken cancellationToken
    )
    {
        var entry = view.Entries.GetValueOrDefault(key) ?? await _journal.FindAsync(_provider, key, cancellationToken);
        if (entry?.Phase == AllocationPhase.Released)
        {
            return (null, entry);
        }

        var rented = view.Of(key, entry?.VendorId);
        if (rented is null && entry is { Phase: AllocationPhase.Held, VendorId: { } id })
        {
            // The list may lag behind the vendor's own answer.
            rented = await _rental.GetAsync(id, cancellationToken);
        }

        return (rented, entry);
    }

    private async Task<IReadOnlyList<Allocation>> ObserveAllAsync(
        RentalView view,
        string cluster,
        CancellationToken cancellationToken
    )
    {
        var keys = view.Items.Where(group => group.Any(item => IsOf(item, view, cluster))).Select(group => group.Key);
        var observed = new System.Collections.Concurrent.ConcurrentBag<Allocation>();
        await Parallel.ForEachAsync(
            keys,
            new ParallelOptions
            {
                MaxDegreeOfParallelism = ObservedAtOnce,
                CancellationToken = cancellationToken,
                TaskScheduler = TaskScheduler.Default,
            },
            async (key, stop) =>
            {
                var entry = view.Entries.GetValueOrDefault(key);
                observed.Add(await _health.ObserveAsync(view.Of(key, entry?.VendorId)!, entry, stop));
            }
        );
        return [.. observed.OrderBy(allocation => allocation.Key.Value, StringComparer.Ordinal)];
    }

    private static bool IsOf(Rented item, RentalView view, string cluster) =>
        view.Entries.TryGetValue(item.Mark.Key, out var entry) ? entry.Tag.Cluster == cluster : item.Mark.IsOf(cluster);

    private async Task ForgetAsync(CancellationToken cancellationToken)
    {
        var now = _clock.GetUtcNow();
        if (now - _forgottenAt >= ForgetEvery)
        {
            _forgottenAt = now;
            await _journal.ForgetAsync(_provider, now - _options.RememberReleased, cancellationToken);
        }
    }
}

using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Http;

/// <summary>
/// The vendor's list and the journal at one moment, read once for all keys that ask within a short time. Vendors permit about one
/// call a second, so no key may cost its own.
/// </summary>
internal sealed class RentalList(
    ProviderId provider,
    IRental rental,
    IAllocationJournal journal,
    TimeSpan listFor,
    TimeProvider clock
) : IDisposable
{
    private readonly SemaphoreSlim _reading = new(1);
    private volatile RentalView? _view;
    private int _generation;

    /// <summary>A view that is not older than the setting.</summary>
    internal Task<RentalView> GetAsync(CallKind kind, CancellationToken cancellationToken) =>
        GetAsync(clock.GetUtcNow() - listFor, kind, cancellationToken);

    /// <summary>A view whose reading began at this time or later.</summary>
    internal async Task<RentalView> GetAsync(DateTimeOffset begun, CallKind kind, CancellationToken cancellationToken)
    {
        if (_view is { } known && known.BegunAt >= begun)
        {
            return known;
        }

        await _reading.WaitAsync(cancellationToken);
        try
        {
            // Another caller may have read it meanwhile.
            return _view is { } fresh && fresh.BegunAt >= begun ? fresh : await ReadAsync(kind, cancellationToken);
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>Makes the next caller read again, after something was made or destroyed. A reading in progress is not used again.</summary>
    internal void Invalidate()
    {
        Interlocked.Increment(ref _generation);
        _view = null;
    }

    public void Dispose() => _reading.Dispose();

    private async Task<RentalView> ReadAsync(CallKind kind, CancellationToken cancellationToken)
    {
        var generation = Volatile.Read(ref _generation);
        var begunAt = clock.GetUtcNow();
        var items = await rental.ListAsync(kind, cancellationToken);
        // After the list: what another silo made and recorded meanwhile must not look like a stray.
        var entries = await journal.ListOpenAsync(provider, cancellationToken);
        var view = new RentalView(
            begunAt,
            items.Select(item => item with { SeenAt = begunAt }).ToLookup(item => item.Mark.Key),
            entries.ToDictionary(entry => entry.Key)
        );
        if (generation == Volatile.Read(ref _generation))
        {
            _view = view;
        }

        return view;
    }
}

/// <param name="BegunAt">When the vendor was asked.</param>
/// <param name="Items">What the vendor lists, by key. More than one of a key is a fault to repair.</param>
/// <param name="Entries">Open entries of the journal.</param>
internal sealed record RentalView(
    DateTimeOffset BegunAt,
    ILookup<AllocationKey, Rented> Items,
    IReadOnlyDictionary<AllocationKey, AllocationEntry> Entries
)
{
    /// <summary>Whether something of the key exists that is not being destroyed.</summary>
    internal bool HasLive(AllocationKey key) => Items[key].Any(item => item.State != RentedState.Ending);

    /// <summary>The one that counts: that of the journal, else the oldest.</summary>
    internal Rented? Of(AllocationKey key, string? vendorId) =>
        Items[key].FirstOrDefault(item => item.Id == vendorId)
        ?? Items[key]
            .OrderBy(item => item.State == RentedState.Ending)
            .ThenBy(item => item.CreatedAt)
            .ThenBy(item => item.Id, StringComparer.Ordinal)
            .FirstOrDefault();
}

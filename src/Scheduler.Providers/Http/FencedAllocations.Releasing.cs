using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Http;

internal sealed partial class FencedAllocations
{
    internal async Task<ReleaseOutcome> ReleaseAsync(AllocationKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var view = await _list.GetAsync(CallKind.Release, cancellationToken);
        var entry = await CallOffAsync(key, view, cancellationToken);
        var ids = view.Items[key]
            .Where(item => item.State != RentedState.Ending)
            .Select(item => item.Id)
            .ToHashSet(StringComparer.Ordinal);
        // What the vendor is destroying is not destroyed again: some answer that with an error.
        if (
            entry is { Phase: AllocationPhase.Releasing, VendorId: { } known }
            && view.Items[key].All(item => item.Id != known)
        )
        {
            ids.Add(known);
        }

        if (entry.Phase == AllocationPhase.Released && !view.Items.Contains(key))
        {
            return ReleaseOutcome.Released;
        }

        foreach (var id in ids)
        {
            await _rental.DestroyAsync(id, cancellationToken);
        }

        _list.Invalidate();
        var after = await _list.GetAsync(_clock.GetUtcNow(), CallKind.Release, cancellationToken);
        if (after.Items.Contains(key))
        {
            return ReleaseOutcome.Pending;
        }

        if (entry.AskedAt is not null && after.BegunAt < SettledAt(entry))
        {
            // A create request may be in progress: what it makes must be found and destroyed first.
            return ReleaseOutcome.Pending;
        }

        return entry.Phase == AllocationPhase.Released || await RecordReleasedAsync(entry, cancellationToken)
            ? ReleaseOutcome.Released
            : ReleaseOutcome.Pending;
    }

    /// <summary>Records that the key is released, so that no silo asks for it any more.</summary>
    private async Task<AllocationEntry> CallOffAsync(
        AllocationKey key,
        RentalView view,
        CancellationToken cancellationToken
    )
    {
        while (true)
        {
            var entry = await _journal.FindAsync(_provider, key, cancellationToken);
            if (entry?.Phase is AllocationPhase.Releasing or AllocationPhase.Released)
            {
                return entry;
            }

            var mayExist = entry?.Phase is AllocationPhase.Asking or AllocationPhase.Held || view.Items.Contains(key);
            var released = (entry ?? UnknownEntry(key, view)) with
            {
                Phase = mayExist ? AllocationPhase.Releasing : AllocationPhase.Released,
            };
            if (await WriteAsync(released, cancellationToken) is { } written)
            {
                return written;
            }
        }
    }

    /// <summary>Records that nothing exists under the key any more.</summary>
    /// <returns>False when another writer changed the entry first.</returns>
    private async Task<bool> RecordReleasedAsync(AllocationEntry entry, CancellationToken cancellationToken)
    {
        var released = entry with { Phase = AllocationPhase.Released, AskedAt = null };
        if (await WriteAsync(released, cancellationToken) is null)
        {
            // The sender of an open request has just recorded what it made.
            return false;
        }

        if (entry.VendorId is { } id)
        {
            _health.Forget(id);
        }

        LogReleased(_provider, entry.VendorId, entry.Key);
        return true;
    }

    /// <summary>Of several under one key, keeps one and destroys the others.</summary>
    private async Task RepairAsync(RentalView view, CancellationToken cancellationToken)
    {
        foreach (var group in view.Items.Where(group => group.Count(item => item.State != RentedState.Ending) > 1))
        {
            var entry = await _journal.FindAsync(_provider, group.Key, cancellationToken);
            if (entry?.Phase is not (AllocationPhase.Releasing or AllocationPhase.Released))
            {
                var notes = entry is null ? new RentalNotes() : RentalNotes.Read(entry.Notes);
                await KeepAsync(entry ?? UnknownEntry(group.Key, view), view, notes, cancellationToken);
            }
        }
    }

    /// <summary>
    /// Records that what the vendor lists under a key is ours. Of several, the journal's or the oldest is kept and the others are
    /// destroyed, after the record. A silo that made another one reads in the journal which one is kept.
    /// </summary>
    private async Task KeepAsync(
        AllocationEntry entry,
        RentalView view,
        RentalNotes notes,
        CancellationToken cancellationToken
    )
    {
        var kept = view.Of(entry.Key, entry.VendorId)!;
        if (entry.Phase != AllocationPhase.Held || entry.VendorId != kept.Id)
        {
            var held = entry with
            {
                Phase = AllocationPhase.Held,
                VendorId = kept.Id,
                AskedAt = null,
                Notes = (notes with { MadeAt = notes.MadeAt ?? kept.CreatedAt ?? entry.AskedAt }).Write(),
            };
            if (await WriteAsync(held, cancellationToken) is null)
            {
                return;
            }

            LogMade(_provider, kept.Id, entry.Key);
        }

        foreach (
            var surplus in view.Items[entry.Key].Where(item => item.Id != kept.Id && item.State != RentedState.Ending)
        )
        {
            await DestroySurplusAsync(surplus, cancellationToken);
        }
    }

    private async Task DestroySurplusAsync(Rented surplus, CancellationToken cancellationToken)
    {
        Doubled++;
        LogDoubled(_provider, surplus.Id, surplus.Mark.Key, Doubled);
        await _rental.DestroyAsync(surplus.Id, cancellationToken);
        _list.Invalidate();
    }

    private AllocationEntry UnknownEntry(AllocationKey key, RentalView view) =>
        new()
        {
            Provider = _provider,
            Key = key,
            Tag = view.Items[key].FirstOrDefault()?.Mark.Tag ?? new AllocationTag("", default),
            Phase = AllocationPhase.Refused,
        };
}

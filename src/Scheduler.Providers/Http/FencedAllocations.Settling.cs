using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Http;

internal sealed partial class FencedAllocations
{
    /// <summary>Time between two reads of the list while an outcome is not known.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    /// <summary>How long lists may fail after an outcome should have been known.</summary>
    private static readonly TimeSpan LookFor = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Waits until the journal or the vendor's list shows the outcome of a create request whose answer is not known.
    /// </summary>
    /// <returns>True when the request made nothing; false when the entry has changed and must be read again.</returns>
    private async Task<bool> IsNothingMadeAsync(
        AllocationEntry asked,
        AllocationRequest request,
        CancellationToken cancellationToken
    )
    {
        var decidedAt = SettledAt(asked);
        while (true)
        {
            var latest = await _journal.FindAsync(_provider, asked.Key, cancellationToken);
            if (latest?.Version != asked.Version)
            {
                return false;
            }

            if (await TryLookAsync(decidedAt, cancellationToken) is { } view)
            {
                if (view.HasLive(asked.Key))
                {
                    await KeepAsync(asked, view, _rental.NotesOf(request), cancellationToken);
                    return false;
                }

                if (view.BegunAt >= decidedAt)
                {
                    return true;
                }
            }

            var left = decidedAt - _clock.GetUtcNow();
            await _clock.Delay(left > TimeSpan.Zero && left < LookEvery ? left : LookEvery, cancellationToken);
        }
    }

    /// <summary>
    /// Records that the vendor has ended a request, although its answer does not show the outcome. What the request made must then
    /// appear in the list within <see cref="VendorOptions.Settle"/> from now.
    /// </summary>
    /// <returns>The entry as stored; null if another writer was first.</returns>
    private Task<AllocationEntry?> EndedAsync(AllocationEntry intent) =>
        WriteAsync(intent with { AskedAt = NowAsStored() - _options.CreateTimeout }, _closing.Token);

    private async Task<RentalView?> TryLookAsync(DateTimeOffset decidedAt, CancellationToken cancellationToken)
    {
        try
        {
            var now = _clock.GetUtcNow();
            return now >= decidedAt
                ? await _list.GetAsync(decidedAt, CallKind.Read, cancellationToken)
                : await _list.GetAsync(CallKind.Read, cancellationToken);
        }
        catch (VendorException e) when (_clock.GetUtcNow() < decidedAt + LookFor)
        {
            LogNotListed(e, _provider);
            return null;
        }
    }

    /// <summary>The time from which the vendor's list decides what an open request has made.</summary>
    private DateTimeOffset SettledAt(AllocationEntry entry) =>
        entry.AskedAt!.Value + _options.CreateTimeout + _options.Settle;
}

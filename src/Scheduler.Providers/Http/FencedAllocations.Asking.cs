using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Http;

internal sealed partial class FencedAllocations
{
    /// <summary>A request that the vendor's rate limit refuses more often than this is given up.</summary>
    private const int MaxLater = 10;

    private readonly Lock _askedLock = new();
    private readonly Dictionary<AllocationKey, Asked> _asked = [];

    /// <summary>One running request in this process, shared by all callers of its key.</summary>
    private sealed class Asked : IDisposable
    {
        private readonly CancellationTokenSource _unwanted = new();

        internal Task<AllocateOutcome> Outcome { get; set; } = null!;

        internal int Callers { get; set; }

        /// <summary>Whether <see cref="Outcome"/> is about to complete.</summary>
        internal bool IsOver { get; set; }

        /// <summary>Cancelled when no caller waits any more. It stops only a request that was not sent yet.</summary>
        internal CancellationToken Unwanted => _unwanted.Token;

        internal void CallOff() => _unwanted.Cancel();

        public void Dispose() => _unwanted.Dispose();
    }

    internal async Task<AllocateOutcome> AllocateAsync(AllocationRequest request, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var asked = Join(request);
            try
            {
                return await asked.Outcome.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
                when (!cancellationToken.IsCancellationRequested && !_closing.IsCancellationRequested)
            {
                // Called off by its last caller before anything was sent, just when this one joined.
            }
            finally
            {
                Leave(asked);
            }
        }
    }

    private Asked Join(AllocationRequest request)
    {
        lock (_askedLock)
        {
            if (!_asked.TryGetValue(request.Key, out var asked))
            {
                asked = new Asked();
                _asked[request.Key] = asked;
                // On the thread pool: the caller's scheduler may be that of a grain, and its call may end first.
                asked.Outcome = Task.Run(() => RunAsync(request, asked), CancellationToken.None);
            }

            asked.Callers++;
            return asked;
        }
    }

    private void Leave(Asked asked)
    {
        lock (_askedLock)
        {
            asked.Callers--;
            if (asked.Callers == 0 && !asked.IsOver)
            {
                asked.CallOff();
            }
        }
    }

    private async Task<AllocateOutcome> RunAsync(AllocationRequest request, Asked asked)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(asked.Unwanted, _closing.Token);
        try
        {
            return await AskAsync(request, stop.Token);
        }
        finally
        {
            lock (_askedLock)
            {
                _asked.Remove(request.Key);
                asked.IsOver = true;
                asked.Dispose();
            }
        }
    }

    /// <param name="unsent">Stops the request as long as it was not sent.</param>
    private async Task<AllocateOutcome> AskAsync(AllocationRequest request, CancellationToken unsent)
    {
        for (var later = 0; later < MaxLater; )
        {
            var entry = await _journal.FindAsync(_provider, request.Key, unsent);
            if (entry?.Phase is AllocationPhase.Releasing or AllocationPhase.Released)
            {
                return RentalFailures.CalledOff(request.Key);
            }

            if (entry?.Phase == AllocationPhase.Held)
            {
                return await HeldAsync(entry, unsent);
            }

            if (entry?.Phase == AllocationPhase.Asking)
            {
                if (!await IsNothingMadeAsync(entry, request, unsent))
                {
                    continue;
                }
            }
            else
            {
                var (refusal, isListed) = await LookFirstAsync(entry, request, unsent);
                if (refusal is not null)
                {
                    return refusal;
                }

                if (isListed)
                {
                    continue;
                }
            }

            await _rental.EnterCreateAsync(unsent);
            if (await WriteAsync(IntentOf(entry, request), unsent) is { } written)
            {
                if (await SendAsync(request, written) is { } outcome)
                {
                    return outcome;
                }

                later++;
            }
        }

        return AllocateOutcome.Rejected(RejectionKind.ProviderError, RentalFailures.StillBusy(_provider));
    }

    /// <summary>
    /// Before the first request of a key: checks whether the request can be granted, and whether the vendor lists something already.
    /// </summary>
    private async Task<(AllocateOutcome? Refusal, bool IsListed)> LookFirstAsync(
        AllocationEntry? entry,
        AllocationRequest request,
        CancellationToken cancellationToken
    )
    {
        if (await _rental.CheckAsync(request, cancellationToken) is { } refusal)
        {
            return (refusal, false);
        }

        RentalView view;
        try
        {
            view = await _list.GetAsync(CallKind.Read, cancellationToken);
        }
        catch (CredentialRefusedException e)
        {
            // Nothing was asked for under this key, so nothing exists.
            return (RentalFailures.Credentials(e), false);
        }

        if (!view.HasLive(request.Key))
        {
            return (null, false);
        }

        await KeepAsync(entry ?? NewEntry(request), view, _rental.NotesOf(request), cancellationToken);
        return (null, true);
    }

    private AllocationEntry IntentOf(AllocationEntry? entry, AllocationRequest request) =>
        (entry ?? NewEntry(request)) with
        {
            Phase = AllocationPhase.Asking,
            AskedAt = NowAsStored(),
            VendorId = null,
            Notes = _rental.NotesOf(request).Write(),
        };

    /// <summary>Sends the request of an entry and records the outcome. Null: read the entry again.</summary>
    private async Task<AllocateOutcome?> SendAsync(AllocationRequest request, AllocationEntry intent)
    {
        CreateAnswer answer;
        try
        {
            if (_clock.GetUtcNow() - intent.AskedAt > _options.SendWithin)
            {
                throw new VendorNotAskedException(
                    $"The intent of {intent.Key} was recorded too long ago to send its request"
                );
            }

            answer = await _rental.CreateAsync(request, _closing.Token);
        }
        catch (VendorNotAskedException e)
        {
            await SettledAsync(intent, vendorId: null);
            if (e is CredentialRefusedException refused)
            {
                return RentalFailures.Credentials(refused);
            }

            throw;
        }
        catch (Exception e) when (!_closing.IsCancellationRequested)
        {
            LogUnclear(e, _provider, intent.Key);
            if (e is VendorException { WasAnswered: true } && await EndedAsync(intent) is { } ended)
            {
                intent = ended;
            }

            if (!await IsNothingMadeAsync(intent, request, _closing.Token))
            {
                return null;
            }

            await SettledAsync(intent, vendorId: null);
            return AllocateOutcome.Rejected(RejectionKind.ProviderError, VendorWords.Clean(e.Message));
        }

        if (answer.Made is { } made)
        {
            return await MadeAsync(intent, made);
        }

        if (answer.Leftover is { } leftover)
        {
            // The refusal is recorded only after the leftover is destroyed: a failure here leaves the outcome unknown.
            await _rental.DestroyAsync(leftover, _closing.Token);
            _list.Invalidate();
        }

        await SettledAsync(intent, vendorId: null);
        return answer.Refusal;
    }

    /// <summary>Records what a request made, or destroys it if it is not wanted any more.</summary>
    private async Task<AllocateOutcome?> MadeAsync(AllocationEntry intent, Rented made)
    {
        _list.Invalidate();
        var notes = RentalNotes.Read(intent.Notes) with { MadeAt = made.CreatedAt ?? intent.AskedAt };
        var entry = intent;
        while (true)
        {
            var held = entry with
            {
                Phase = AllocationPhase.Held,
                AskedAt = null,
                VendorId = made.Id,
                Notes = notes.Write(),
            };
            if (await WriteAsync(held, _closing.Token) is { } written)
            {
                LogMade(_provider, made.Id, intent.Key);
                return AllocateOutcome.Allocated(await _health.ObserveAsync(made, written, _closing.Token));
            }

            entry = await _journal.FindAsync(_provider, intent.Key, _closing.Token) ?? intent with { Version = 0 };
            if (entry.Phase is AllocationPhase.Releasing or AllocationPhase.Released)
            {
                await SettledAsync(entry with { AskedAt = intent.AskedAt }, made.Id);
                await _rental.DestroyAsync(made.Id, _closing.Token);
                return RentalFailures.CalledOff(intent.Key);
            }

            if (entry.Phase == AllocationPhase.Held)
            {
                if (entry.VendorId != made.Id)
                {
                    await DestroySurplusAsync(made, _closing.Token);
                }

                return null;
            }
        }
    }

    /// <summary>Records the outcome of a request: nothing was made, or an allocation that a release must destroy.</summary>
    private async Task SettledAsync(AllocationEntry intent, string? vendorId)
    {
        for (var entry = intent; entry is not null; )
        {
            if (entry.AskedAt != intent.AskedAt || entry.Phase == AllocationPhase.Held)
            {
                // Another silo took the key over.
                return;
            }

            var settled = entry with
            {
                Phase = entry.Phase == AllocationPhase.Asking ? AllocationPhase.Refused : entry.Phase,
                AskedAt = null,
                VendorId = vendorId,
            };
            if (await WriteAsync(settled, _closing.Token) is not null)
            {
                return;
            }

            entry = await _journal.FindAsync(_provider, intent.Key, _closing.Token);
        }
    }

    private async Task<AllocateOutcome> HeldAsync(AllocationEntry entry, CancellationToken cancellationToken)
    {
        var view = await _list.GetAsync(CallKind.Read, cancellationToken);
        var rented =
            view.Items[entry.Key].FirstOrDefault(item => item.Id == entry.VendorId)
            ?? await _rental.GetAsync(entry.VendorId!, cancellationToken);
        return rented is null
            ? RentalFailures.Vanished(entry)
            : AllocateOutcome.Allocated(await _health.ObserveAsync(rented, entry, cancellationToken));
    }

    /// <summary>The journal keeps milliseconds.</summary>
    private DateTimeOffset NowAsStored() =>
        DateTimeOffset.FromUnixTimeMilliseconds(_clock.GetUtcNow().ToUnixTimeMilliseconds());

    private AllocationEntry NewEntry(AllocationRequest request) =>
        new()
        {
            Provider = _provider,
            Key = request.Key,
            Tag = request.Tag,
            Phase = AllocationPhase.Asking,
        };

    /// <returns>The entry as stored; null if another writer was first.</returns>
    private async Task<AllocationEntry?> WriteAsync(AllocationEntry entry, CancellationToken cancellationToken)
    {
        var changed = entry with { ChangedAt = _clock.GetUtcNow() };
        return await _journal.TryWriteAsync(changed, cancellationToken)
            ? changed with
            {
                Version = changed.Version + 1,
            }
            : null;
    }
}

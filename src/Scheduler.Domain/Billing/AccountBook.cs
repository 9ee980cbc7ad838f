using System.Collections.Immutable;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>
/// The money of one account, as rules: top up, hold, meter, close, settle. Acts change this book in memory and gather what one write must
/// hold; <see cref="Commit"/> hands that write out. When a write fails the whole book is thrown away and read again, so memory
/// never runs ahead of the store.
/// </summary>
/// <remarks>
/// A run's life here: a hold is taken (keyed by instance and run number, so a retry replaces it); the hold lapses by itself if the
/// launch was never recorded; when the run begins, the meter draws the hold down, so the same euro is never both spent and
/// promised; closing bills to the end, gives the rest back, and is remembered, so a late or repeated message about that run does
/// nothing. INV-05, INV-06.
/// </remarks>
/// <param name="record">The stored record.</param>
/// <param name="tabs">Its stored tabs.</param>
public sealed partial class AccountBook(AccountRecord record, IEnumerable<InstanceTab> tabs)
{
    private readonly Dictionary<InstanceId, InstanceTab> _tabs = tabs.ToDictionary(tab => tab.Instance);
    private readonly AccountSums _sums = new(tabs);
    private readonly HashSet<InstanceId> _changed = [];
    private readonly ImmutableArray<InstanceId>.Builder _removed = ImmutableArray.CreateBuilder<InstanceId>();
    private readonly ImmutableArray<LedgerEntry>.Builder _entries = ImmutableArray.CreateBuilder<LedgerEntry>();
    private readonly ImmutableArray<StoredEvent>.Builder _events = ImmutableArray.CreateBuilder<StoredEvent>();
    private AccountRecord _record = record;
    private bool _dirty;

    /// <summary>The record with every act so far.</summary>
    public AccountRecord Record => _record;

    /// <summary>Tabs of runs that are metered now.</summary>
    public IReadOnlyCollection<InstanceTab> Metered => _sums.Metered;

    /// <summary>Whether anything must be written.</summary>
    public bool IsDirty => _dirty;

    /// <summary>Changes the record itself.</summary>
    public void Change(Func<AccountRecord, AccountRecord> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        _record = change(_record);
        _dirty = true;
    }

    /// <summary>Adds a line to the account's timeline.</summary>
    public void AddEvent(
        string trigger,
        string reason,
        DateTimeOffset now,
        RequestId requestId,
        string actor,
        ImmutableSortedDictionary<string, string>? data = null
    )
    {
        _events.Add(
            new StoredEvent
            {
                Sequence = _record.LastSequence + _events.Count + 1,
                At = now,
                Trigger = trigger,
                Reason = reason,
                RequestId = requestId,
                Actor = actor,
                Data = data ?? ImmutableSortedDictionary<string, string>.Empty,
            }
        );
        _dirty = true;
    }

    /// <summary>Money in. The caller has made sure that the reference is new.</summary>
    /// <exception cref="OverflowException">The balance would not fit 64 bits of micro-EUR.</exception>
    public LedgerEntry TopUp(MicroEuro amount, string reference, DateTimeOffset now, RequestId requestId)
    {
        var entry = Enter(
            new LedgerEntry
            {
                Key = TopUpKey(reference),
                Kind = LedgerEntryKind.TopUp,
                Amount = amount,
                At = now,
                RequestId = requestId,
                Reference = reference,
            }
        );
        var burns = _record.Balance - Accrued(now);
        if (burns > MicroEuro.Zero)
        {
            _record = _record with { ExhaustedSince = null, LowBalanceSince = null };
        }

        return entry;
    }

    /// <summary>The ledger key of a top-up.</summary>
    public static string TopUpKey(string reference) => $"topup/{reference}";

    /// <summary>Running cost that is not in the ledger yet.</summary>
    public MicroEuro Accrued(DateTimeOffset now) => _sums.Accrued(now);

    /// <summary>Money put aside: whole holds of launches, and what running meters have left of theirs.</summary>
    public MicroEuro Holds(DateTimeOffset now) => _sums.Holds(now);

    /// <summary>Σ of the prices of what is metered.</summary>
    public MicroEuro BurnPerHour() => _sums.BurnPerHour;

    /// <summary>When balance − accrued reaches zero at the present burn; null when nothing burns.</summary>
    public DateTimeOffset? ExhaustedAt(DateTimeOffset now) =>
        Usage.SecondsFor(_record.Balance - Accrued(now), BurnPerHour()) is { } seconds
            ? now + TimeSpan.FromSeconds(Math.Min(seconds, (long)TimeSpan.FromDays(36_500).TotalSeconds))
            : null;

    /// <summary>Whether there is money for another second of what is metered, or, where nothing burns, any at all.</summary>
    public bool HasMoney(DateTimeOffset now) =>
        ExhaustedAt(now) is { } ends ? ends > now : _record.Balance - Accrued(now) > MicroEuro.Zero;

    /// <summary>
    /// Puts money aside for a run, if balance − accrued − the other holds leaves it; replaces the hold the same run had. A run already
    /// closed, or older than the latest, gets none.
    /// </summary>
    /// <returns>Whether it was taken.</returns>
    public bool TryHold(
        InstanceId instance,
        int run,
        MicroEuro amount,
        DateTimeOffset lapsesAt,
        DateTimeOffset now,
        RequestId requestId
    )
    {
        var known = _tabs.GetValueOrDefault(instance);
        if (
            known is not null
            && (known.Run > run || (known.Run == run && (known.Closed || known.MeterSince is not null)))
        )
        {
            return false;
        }

        RequireNoOpenMeter(known, run);
        var others = known is null ? Holds(now) : Holds(now) - AccountSums.HoldLeft(known, now);
        if (_record.Suspended || _record.Balance - Accrued(now) - others < amount)
        {
            return false;
        }

        Put(
            new InstanceTab
            {
                Instance = instance,
                Run = run,
                Hold = amount,
                HoldLapsesAt = lapsesAt,
                RequestId = requestId,
                Before = NotYetRecorded(known, run),
            }
        );
        return true;
    }

    /// <summary>
    /// The run began: its hold is drawn down from now on. Ignored for a run that is metered, closed or superseded, and for an instance that
    /// has no tab: every run has a hold first, so it was forgotten, and this message was long on its way.
    /// </summary>
    public void StartMeter(
        InstanceId instance,
        int run,
        DateTimeOffset since,
        MicroEuro pricePerHour,
        RequestId requestId
    )
    {
        if (
            _tabs.GetValueOrDefault(instance) is not { } known
            || known.Run > run
            || (known.Run == run && (known.Closed || known.MeterSince is not null))
        )
        {
            return;
        }

        RequireNoOpenMeter(known, run);
        Put(
            new InstanceTab
            {
                Instance = instance,
                Run = run,
                Hold = known.Run == run ? known.Hold : MicroEuro.Zero,
                MeterSince = since,
                PricePerHour = pricePerHour,
                RequestId = requestId,
                Before = NotYetRecorded(known, run),
            }
        );
    }

    /// <summary>Forgets a deleted instance.</summary>
    public void Forget(InstanceId instance)
    {
        if (_tabs.TryGetValue(instance, out var tab))
        {
            if (!tab.Closed && tab.MeterSince is not null)
            {
                throw new InvalidOperationException($"{instance} is metered and cannot be forgotten.");
            }

            _tabs.Remove(instance);
            _sums.Change(tab, null);
            _changed.Remove(instance);
            _removed.Add(instance);
            _dirty = true;
        }
    }

    /// <summary>Drops holds that lapsed: their launch was never recorded, or is long over.</summary>
    public void Lapse(DateTimeOffset now)
    {
        foreach (var tab in _tabs.Values.Where(tab => tab.MeterSince is null && tab.HoldLapsesAt <= now).ToList())
        {
            Put(tab with { Hold = MicroEuro.Zero, HoldLapsesAt = null });
        }

        _sums.LookAgain(_tabs.Values);
    }

    /// <summary>Bills every running meter up to now, one segment each, all in one write.</summary>
    public void Settle(DateTimeOffset now)
    {
        foreach (var tab in Metered.ToList())
        {
            Put(Bill(tab, now, now));
        }

        _sums.LookAgain(_tabs.Values);
    }

    /// <summary>The next moment at which this book changes by itself.</summary>
    /// <param name="now">The present.</param>
    /// <param name="settleEvery">How often running meters are billed.</param>
    public DateTimeOffset? NextAct(DateTimeOffset now, TimeSpan settleEvery)
    {
        // Once exhausted, the grain's own grace and retries decide when to look again.
        var next = _record.ExhaustedSince is null ? ExhaustedAt(now) : null;
        return _sums.NextAct(settleEvery) is { } act && !(next < act) ? act : next;
    }

    /// <summary>Everything since the last commit, as the record to be written.</summary>
    /// <param name="wakeAt">When to be woken next.</param>
    public AccountRecord Commit(DateTimeOffset? wakeAt)
    {
        _record = _record with
        {
            Generation = _record.Generation + 1,
            NewEntries = _entries.DrainToImmutable(),
            ChangedTabs = [.. _changed.Select(id => _tabs[id])],
            RemovedTabs = _removed.DrainToImmutable(),
            LastSequence = _record.LastSequence + _events.Count,
            Events = _events.DrainToImmutable(),
            WakeAt = wakeAt,
        };
        _changed.Clear();
        _dirty = false;
        return _record;
    }

    // Opening a run over one that still runs would lose its seconds: the instance closes a run before it opens the next.
    private static void RequireNoOpenMeter(InstanceTab? known, int run)
    {
        if (known is { MeterSince: not null, Closed: false } && known.Run < run)
        {
            throw new InvalidOperationException(
                $"Run {known.Run} of {known.Instance} is still metered; run {run} cannot open."
            );
        }
    }

    private LedgerEntry Enter(LedgerEntry entry)
    {
        var balance = _record.Balance + entry.Amount;
        entry = entry with { Sequence = _record.LastEntry + 1, BalanceAfter = balance };
        _entries.Add(entry);
        _record = _record with { Balance = balance, LastEntry = entry.Sequence };
        _dirty = true;
        return entry;
    }

    private void Put(InstanceTab tab)
    {
        _sums.Change(_tabs.GetValueOrDefault(tab.Instance), tab);
        _tabs[tab.Instance] = tab;
        _changed.Add(tab.Instance);
        _dirty = true;
    }
}

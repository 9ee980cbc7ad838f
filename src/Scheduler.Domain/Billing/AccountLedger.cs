using System.Collections.Immutable;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>
/// The rules for the money of one account: top up, hold, meter, close, settle. Commands change this ledger in memory and collect what
/// one write must contain; <see cref="Commit"/> returns that write. When a write fails, the whole ledger is discarded and read again, so
/// that memory never holds what the store may not have.
/// </summary>
/// <remarks>
/// A run of an instance passes through here as follows. A hold is taken, keyed by instance and run number, so that a retry replaces it.
/// The hold lapses by itself if the launch was never recorded. When the run begins, its meter uses up the hold, so that no euro is
/// both spent and reserved. The close bills the run to its end and returns the rest of the hold. The closed run is remembered, so that a
/// late or repeated command for it has no effect. INV-05, INV-06.
/// </remarks>
public sealed partial class AccountLedger(AccountRecord record, IEnumerable<InstanceTab> tabs)
{
    private readonly Dictionary<InstanceId, InstanceTab> _tabs = tabs.ToDictionary(tab => tab.Instance);
    private readonly AccountSums _sums = new(tabs);
    private readonly HashSet<InstanceId> _changed = [];
    private readonly ImmutableArray<InstanceId>.Builder _removed = ImmutableArray.CreateBuilder<InstanceId>();
    private readonly ImmutableArray<LedgerEntry>.Builder _entries = ImmutableArray.CreateBuilder<LedgerEntry>();
    private readonly ImmutableArray<StoredEvent>.Builder _events = ImmutableArray.CreateBuilder<StoredEvent>();
    private AccountRecord _record = record;
    private bool _dirty;

    /// <summary>The record with every command so far, also those not committed yet.</summary>
    public AccountRecord Record => _record;

    public IReadOnlyCollection<InstanceTab> Metered => _sums.Metered;

    public bool IsDirty => _dirty;

    public void Change(Func<AccountRecord, AccountRecord> change)
    {
        _record = change(_record);
        _dirty = true;
    }

    /// <summary>Adds an event to the account's timeline.</summary>
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

    /// <summary>Adds money. The caller has checked that the reference is new.</summary>
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
        if (_record.Balance - Accrued(now) > MicroEuro.Zero)
        {
            _record = _record with { ExhaustedSince = null, LowBalanceSince = null };
        }

        return entry;
    }

    public static string TopUpKey(string reference) => $"topup/{reference}";

    /// <summary>Running cost that is not in the ledger yet.</summary>
    public MicroEuro Accrued(DateTimeOffset now) => _sums.Accrued(now);

    /// <summary>Reserved money: the whole holds of launches, and the unused part of the holds of running meters.</summary>
    public MicroEuro Holds(DateTimeOffset now) => _sums.Holds(now);

    /// <summary>Σ of the prices of all metered runs.</summary>
    public MicroEuro BurnPerHour() => _sums.BurnPerHour;

    /// <summary>When balance − accrued reaches zero at the current burn rate; null when nothing is metered.</summary>
    public DateTimeOffset? ExhaustedAt(DateTimeOffset now) =>
        Usage.SecondsFor(_record.Balance - Accrued(now), BurnPerHour()) is { } seconds
            ? now + TimeSpan.FromSeconds(Math.Min(seconds, (long)TimeSpan.FromDays(36_500).TotalSeconds))
            : null;

    /// <summary>Whether the money lasts for another second of all metered runs or, when none is metered, is above zero.</summary>
    public bool HasMoney(DateTimeOffset now) =>
        ExhaustedAt(now) is { } ends ? ends > now : _record.Balance - Accrued(now) > MicroEuro.Zero;

    /// <summary>
    /// Takes a hold if balance − accrued − other holds covers it. A run that is metered, closed or older than the latest gets none.
    /// </summary>
    public bool TryHold(TakeHold command, DateTimeOffset now)
    {
        if (command.ProvisionalClose is { } earlier)
        {
            CloseProvisionally(earlier, now);
        }

        var known = _tabs.GetValueOrDefault(command.Instance);
        if (known is not null && IsPastHold(known, command.Run))
        {
            return false;
        }

        RequireNoOpenMeter(known, command.Run);
        var others = known is null ? Holds(now) : Holds(now) - known.HoldLeft(now);
        if (_record.Suspended || _record.Balance - Accrued(now) - others < command.Amount)
        {
            return false;
        }

        Put(
            new InstanceTab
            {
                Instance = command.Instance,
                Run = command.Run,
                Hold = command.Amount,
                HoldLapsesAt = command.LapsesAt,
                RequestId = command.RequestId,
                ProvisionalTab = ProvisionalBefore(known, command.Run),
            }
        );
        return true;
    }

    /// <summary>
    /// Starts the meter of a run. Has no effect on a run that is metered, closed or older than the latest, or on an instance without a tab.
    /// Every run has a hold first, so an instance without a tab was deleted and the command is late.
    /// </summary>
    public void StartMeter(StartMeter command)
    {
        if (_tabs.GetValueOrDefault(command.Instance) is not { } known || IsPastHold(known, command.Run))
        {
            return;
        }

        RequireNoOpenMeter(known, command.Run);
        Put(
            new InstanceTab
            {
                Instance = command.Instance,
                Run = command.Run,
                Hold = known.Run == command.Run ? known.Hold : MicroEuro.Zero,
                MeterSince = command.Since,
                PricePerHour = command.PricePerHour,
                RequestId = command.RequestId,
                ProvisionalTab = ProvisionalBefore(known, command.Run),
            }
        );
    }

    /// <summary>Removes the tab of a deleted instance.</summary>
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

    /// <summary>Removes holds that lapsed: their launch was never recorded, or ended long ago.</summary>
    public void Lapse(DateTimeOffset now)
    {
        if (!_sums.MayHaveLapsed(now))
        {
            return;
        }

        foreach (var tab in _tabs.Values.Where(tab => tab.MeterSince is null && tab.HoldLapsesAt <= now).ToList())
        {
            Put(tab with { Hold = MicroEuro.Zero, HoldLapsesAt = null });
        }

        _sums.RecomputeEarliest(_tabs.Values);
    }

    /// <summary>The run for whose launch an instance holds money; null when it holds none, or its run is metered.</summary>
    public int? HeldRun(InstanceId instance) =>
        _tabs.GetValueOrDefault(instance) is { MeterSince: null, Closed: false } tab && tab.Hold > MicroEuro.Zero
            ? tab.Run
            : null;

    /// <summary>Returns the hold of a launch that its instance never recorded; no effect when it has none.</summary>
    public void FreeHold(InstanceId instance, int run)
    {
        if (HeldRun(instance) == run)
        {
            Put(_tabs[instance] with { Hold = MicroEuro.Zero, HoldLapsesAt = null });
        }
    }

    /// <summary>What the reserved money is for, the largest first.</summary>
    public IEnumerable<OpenHold> OpenHolds(DateTimeOffset now) =>
        _tabs
            .Values.Where(tab => !tab.Closed)
            .Select(tab => new OpenHold(
                tab.Instance,
                tab.Run,
                tab.HoldLeft(now),
                tab.RequestId,
                tab.MeterSince is not null,
                tab.HoldLapsesAt
            ))
            .Where(hold => hold.Amount > MicroEuro.Zero)
            .OrderByDescending(hold => hold.Amount)
            .ThenBy(hold => hold.Instance.Value, StringComparer.Ordinal);

    /// <summary>Bills every running meter up to now, one segment each, all in one write, if one is due.</summary>
    public void SettleDue(DateTimeOffset now, TimeSpan settleEvery)
    {
        if (!_sums.MayBeUnsettled(now, settleEvery))
        {
            return;
        }

        if (Metered.Any(tab => tab.MeterSince + TimeSpan.FromSeconds(tab.BilledSeconds) + settleEvery <= now))
        {
            Settle(now);
        }
        else
        {
            _sums.RecomputeEarliest(_tabs.Values);
        }
    }

    /// <summary>Bills every running meter up to now, one segment each, all in one write.</summary>
    public void Settle(DateTimeOffset now)
    {
        foreach (var tab in Metered.ToList())
        {
            Put(Bill(tab, now, now));
        }

        _sums.RecomputeEarliest(_tabs.Values);
    }

    /// <summary>The next moment at which a hold lapses, a settlement is due or the money runs out; null when there is none.</summary>
    public DateTimeOffset? NextAct(DateTimeOffset now, TimeSpan settleEvery)
    {
        // After exhaustion the grain decides from its grace time and retries when to check again.
        var next = _record.ExhaustedSince is null ? ExhaustedAt(now) : null;
        return _sums.NextAct(settleEvery) is { } act && !(next < act) ? act : next;
    }

    /// <summary>All changes since the last commit, as the record to be written.</summary>
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

    /// <summary>Whether the tab shows that a run needs no hold any more: metered, closed, or followed by a later run.</summary>
    private static bool IsPastHold(InstanceTab known, int run) =>
        known.Run > run || (known.Run == run && (known.Closed || known.MeterSince is not null));

    // To open a run while an earlier one is metered would lose the seconds of the earlier one.
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

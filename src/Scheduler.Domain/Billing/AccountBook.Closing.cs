using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>The end of a run: what it is billed to, and what is put right when that end turns out to be another.</summary>
public sealed partial class AccountBook
{
    /// <summary>
    /// The run is over: billed to its end, hold given back, closed for good. Right also when the meter never started here: the caller
    /// names the whole span. Ignored for a run that is closed or superseded, unless its end was only meant until now, and for an instance
    /// that was forgotten.
    /// </summary>
    /// <param name="instance">Whose run.</param>
    /// <param name="run">Which run.</param>
    /// <param name="since">Start of <c>running</c>; null when it never ran.</param>
    /// <param name="until">Its end.</param>
    /// <param name="pricePerHour">Price snapshot.</param>
    /// <param name="now">The present.</param>
    /// <param name="requestId">Under which request.</param>
    /// <param name="isRecorded">
    /// Whether the instance has this end on record. A re-route closes the run before in the act that takes the next hold, and only then
    /// records both: should that be lost, the run goes on, and what it is billed to is put right when its end is on record.
    /// </param>
    public void Close(
        InstanceId instance,
        int run,
        DateTimeOffset? since,
        DateTimeOffset? until,
        MicroEuro pricePerHour,
        DateTimeOffset now,
        RequestId requestId,
        bool isRecorded = true
    )
    {
        if (since is { } start)
        {
            StartMeter(instance, run, start, pricePerHour, requestId);
        }

        if (_tabs.GetValueOrDefault(instance) is not { } tab)
        {
            return;
        }

        RequireNoOpenMeter(tab, run);
        if (tab.Run > run || (tab.Run == run && tab.Closed))
        {
            if (isRecorded)
            {
                PutRight(tab, run, until, now);
            }

            return;
        }

        // A tab of an earlier run stays as it was billed; the run that never came here is closed in its place.
        tab =
            tab.Run == run
                ? tab
                : new InstanceTab
                {
                    Instance = instance,
                    Run = run,
                    Before = NotYetRecorded(tab, run),
                };
        Put(
            BillToEnd(tab, until, now) with
            {
                Hold = MicroEuro.Zero,
                HoldLapsesAt = null,
                Closed = true,
                RequestId = requestId,
                EndRecorded = isRecorded,
            }
        );
    }

    private static InstanceTab? NotYetRecorded(InstanceTab? known, int run) =>
        known is null ? null
        : known.Run == run || known.MeterSince is null || known.EndRecorded ? known.Before
        : known;

    /// <summary>A run was billed to an end that its instance only meant to record; now there is one on record.</summary>
    private void PutRight(InstanceTab tab, int run, DateTimeOffset? until, DateTimeOffset now)
    {
        var right = Righted(tab, run, until, now);
        if (!ReferenceEquals(right, tab))
        {
            Put(right!);
        }
    }

    private InstanceTab? Righted(InstanceTab? tab, int run, DateTimeOffset? until, DateTimeOffset now)
    {
        if (tab is null || tab.Run < run || (tab.Run == run && tab.EndRecorded))
        {
            return tab;
        }

        if (tab.Run == run)
        {
            return BillToEnd(tab, until, now) with { EndRecorded = true };
        }

        var before = Righted(tab.Before, run, until, now);
        return ReferenceEquals(before, tab.Before) ? tab
            : before!.EndRecorded ? tab with { Before = before.Before }
            : tab with { Before = before };
    }

    private InstanceTab BillToEnd(InstanceTab tab, DateTimeOffset? until, DateTimeOffset now) =>
        tab.MeterSince is { } metered ? Bill(tab, until ?? metered, now, isFinal: true) : tab;

    /// <summary>
    /// Bills up to a moment. The end of a run is the instance's to say and may reach us after a settlement that ran past it (the account
    /// wakes first after an outage): what was billed beyond it is given back, so that the segments add up to the run as recorded.
    /// </summary>
    private InstanceTab Bill(InstanceTab tab, DateTimeOffset until, DateTimeOffset now, bool isFinal = false)
    {
        var seconds = Usage.Seconds(tab.MeterSince!.Value, until);
        if (isFinal ? seconds == tab.BilledSeconds : seconds <= tab.BilledSeconds)
        {
            return tab;
        }

        var segment = tab.Segments + 1;
        Enter(
            new LedgerEntry
            {
                Key = $"usage/{tab.Instance}/{tab.Run}/{segment}",
                Kind = LedgerEntryKind.Usage,
                Amount = Usage.Cost(tab.PricePerHour, tab.BilledSeconds) - Usage.Cost(tab.PricePerHour, seconds),
                At = now,
                RequestId = tab.RequestId,
                Instance = tab.Instance,
                Run = tab.Run,
                Segment = segment,
                Seconds = seconds - tab.BilledSeconds,
                PricePerHour = tab.PricePerHour,
            }
        );
        return tab with { BilledSeconds = seconds, Segments = segment };
    }
}

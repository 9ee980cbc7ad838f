namespace Scheduler.Domain.Billing;

/// <summary>The end of a run: its bill, and the correction of a bill whose close was provisional.</summary>
public sealed partial class AccountLedger
{
    /// <summary>
    /// Ends a run whose end is recorded by its instance. Corrects the bill if the close was provisional until now. Has no effect on a run
    /// that is finally closed, or of an instance that was forgotten.
    /// </summary>
    public void Close(CloseRun command, DateTimeOffset now) => Close(command, now, isProvisional: false);

    /// <summary>Ends a run whose end is not recorded by its instance yet; see <see cref="InstanceTab"/>.</summary>
    internal void CloseProvisionally(CloseRun command, DateTimeOffset now) => Close(command, now, isProvisional: true);

    private void Close(CloseRun command, DateTimeOffset now, bool isProvisional)
    {
        var run = command.Run;
        if (command.Since is { } since)
        {
            StartMeter(new StartMeter(command.Instance, run, since, command.PricePerHour, command.RequestId));
        }

        if (_tabs.GetValueOrDefault(command.Instance) is not { } tab)
        {
            return;
        }

        RequireNoOpenMeter(tab, run);
        if (tab.Run > run || (tab.Run == run && tab.Closed))
        {
            var corrected = isProvisional ? tab : Finalized(tab, command, now);
            if (!ReferenceEquals(corrected, tab))
            {
                Put(corrected);
            }

            return;
        }

        // The hold and meter of this run never reached the account: a new tab replaces that of the earlier run, whose bill stays.
        tab =
            tab.Run == run
                ? tab
                : new InstanceTab
                {
                    Instance = command.Instance,
                    Run = run,
                    ProvisionalTab = ProvisionalBefore(tab, run),
                };
        Put(
            BillToEnd(tab, command, now) with
            {
                Hold = MicroEuro.Zero,
                HoldLapsesAt = null,
                Closed = true,
                RequestId = command.RequestId,
                EndRecorded = !isProvisional,
            }
        );
    }

    /// <summary>The tab that a tab of <paramref name="run"/> must keep, because its close is still provisional.</summary>
    private static InstanceTab? ProvisionalBefore(InstanceTab? known, int run) =>
        known is { IsClosedProvisionally: true } && known.Run != run ? known : known?.ProvisionalTab;

    /// <summary>
    /// Makes the provisional close of a run final, in this tab or in the ones it keeps: bills the run to its recorded end. Returns the
    /// same tab when that close is final already or unknown.
    /// </summary>
    private InstanceTab Finalized(InstanceTab tab, CloseRun command, DateTimeOffset now)
    {
        if (tab.Run == command.Run)
        {
            return tab.EndRecorded ? tab : BillToEnd(tab, command, now) with { EndRecorded = true };
        }

        if (tab.Run < command.Run || tab.ProvisionalTab is not { } earlier)
        {
            return tab;
        }

        var corrected = Finalized(earlier, command, now);
        return ReferenceEquals(corrected, earlier) ? tab
            // A tab with a final close need not be kept any longer.
            : corrected.EndRecorded ? tab with { ProvisionalTab = corrected.ProvisionalTab }
            : tab with { ProvisionalTab = corrected };
    }

    private InstanceTab BillToEnd(InstanceTab tab, CloseRun command, DateTimeOffset now) =>
        tab.MeterSince is { } metered ? Bill(tab, command.Until ?? metered, now, isFinal: true) : tab;

    /// <summary>
    /// Bills up to a moment. The instance decides when its run ended. Its message may arrive after a settlement that billed past that end,
    /// for example when the account wakes first after an outage. A final bill therefore credits the seconds beyond the end, so that the
    /// segments add up to the run as recorded.
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

using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Xunit;

namespace Scheduler.DomainTests.Billing;

/// <summary>The content of one write of an account, and the times at which the account acts by itself.</summary>
public sealed class AccountCommitTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly RequestId Request = new("req-1");
    private static readonly InstanceId One = new("i-1");
    private static readonly InstanceId Two = new("i-2");
    private static readonly MicroEuro Hourly = new(3_600_000);

    [Fact]
    public void A_commit_holds_each_change_once_and_numbers_it()
    {
        var ledger = new AccountLedger(
            new AccountRecord
            {
                Id = new AccountId("acct-a"),
                Generation = 4,
                LastEntry = 7,
            },
            []
        );
        Assert.False(ledger.IsDirty);

        var entry = ledger.TopUp(new MicroEuro(9_000_000), "ref", Noon, Request);
        ledger.AddEvent("TopUp", "money in", Noon, Request, "key:a");
        ledger.AddEvent("LowBalance", "low", Noon, Request, "scheduler", data: null);
        Assert.True(Hold(ledger, One, 1, Hourly, Noon.AddHours(1), Noon));
        Assert.True(ledger.IsDirty);

        Assert.Equal("topup/ref", entry.Key);
        Assert.Equal(AccountLedger.TopUpKey("ref"), entry.Key);
        Assert.Equal((8L, new MicroEuro(9_000_000)), (entry.Sequence, entry.BalanceAfter));
        var written = ledger.Commit(Noon.AddHours(1));
        Assert.False(ledger.IsDirty);
        Assert.Equal((5L, 8L, 2L), (written.Generation, written.LastEntry, written.LastSequence));
        Assert.Equal(Noon.AddHours(1), written.WakeAt);
        Assert.Equal([entry], written.NewEntries);
        Assert.Equal([1L, 2L], written.Events.Select(happened => happened.Sequence));
        Assert.All(written.Events, happened => Assert.Empty(happened.Data));
        Assert.Equal(Hourly, Assert.Single(written.ChangedTabs).Hold);
        Assert.Empty(written.RemovedTabs);

        ledger.AddEvent("Suspended", "by hand", Noon, Request, "operator");
        Assert.True(ledger.IsDirty);
        ledger.Change(record => record with { Suspended = true });
        written = ledger.Commit(null);
        Assert.Equal(3, Assert.Single(written.Events).Sequence);
        Assert.Equal((6L, 3L, true), (written.Generation, written.LastSequence, written.Suspended));
        Assert.Empty(written.NewEntries);
        Assert.Empty(written.ChangedTabs);
        Assert.Null(written.WakeAt);
    }

    [Fact]
    public void A_change_of_the_record_is_written()
    {
        var ledger = Rich(1);
        ledger.Commit(null);
        ledger.Change(record => record with { DisplayName = "other" });
        Assert.True(ledger.IsDirty);
        Assert.Equal("other", ledger.Record.DisplayName);
        Assert.Equal("other", ledger.Commit(null).DisplayName);
    }

    [Fact]
    public void A_forgotten_instance_is_removed_with_its_hold()
    {
        var ledger = Rich(9_000_000);
        Assert.True(Hold(ledger, One, 1, Hourly, Noon.AddHours(1), Noon));
        ledger.Commit(null);
        ledger.Forget(Two);
        Assert.False(ledger.IsDirty);

        Assert.True(Hold(ledger, One, 1, Hourly, Noon.AddHours(2), Noon));
        ledger.Forget(One);

        Assert.True(ledger.IsDirty);
        Assert.Equal(MicroEuro.Zero, ledger.Holds(Noon));
        var written = ledger.Commit(null);
        Assert.Equal([One], written.RemovedTabs);
        Assert.Empty(written.ChangedTabs);
        Assert.Empty(ledger.Commit(null).RemovedTabs);
    }

    [Fact]
    public void A_suspended_account_gets_no_hold()
    {
        var ledger = Rich(9_000_000);
        ledger.Change(record => record with { Suspended = true });
        Assert.False(Hold(ledger, One, 1, MicroEuro.Zero, Noon, Noon));
        ledger.Change(record => record with { Suspended = false });
        Assert.True(Hold(ledger, One, 1, new MicroEuro(9_000_000), Noon, Noon));
    }

    [Theory]
    [InlineData(9, false)]
    [InlineData(10, false)]
    [InlineData(11, true)]
    public void A_top_up_ends_the_exhaustion_only_when_it_leaves_money(long amount, bool ends)
    {
        var ledger = Rich(0);
        ledger.Change(record => record with { ExhaustedSince = Noon, LowBalanceSince = Noon });
        Assert.True(Hold(ledger, One, 1, MicroEuro.Zero, Noon, Noon));
        Start(ledger, One, 1, Noon, new MicroEuro(3600));

        ledger.TopUp(new MicroEuro(amount), "x", Noon.AddSeconds(10), Request);

        Assert.Equal(ends ? null : Noon, ledger.Record.ExhaustedSince);
        Assert.Equal(ends ? null : Noon, ledger.Record.LowBalanceSince);
    }

    [Fact]
    public void Money_is_there_until_the_last_second_that_it_pays()
    {
        var ledger = Rich(0);
        Assert.False(ledger.HasMoney(Noon));
        Assert.Null(ledger.ExhaustedAt(Noon));
        ledger.TopUp(new MicroEuro(10), "x", Noon, Request);
        Assert.True(ledger.HasMoney(Noon));
        Assert.Null(ledger.ExhaustedAt(Noon));

        Assert.True(Hold(ledger, One, 1, MicroEuro.Zero, Noon, Noon));
        Start(ledger, One, 1, Noon, new MicroEuro(3600));
        Assert.Equal(Noon.AddSeconds(10), ledger.ExhaustedAt(Noon));
        Assert.Equal(Noon.AddSeconds(10), ledger.ExhaustedAt(Noon.AddSeconds(4)));
        Assert.True(ledger.HasMoney(Noon.AddSeconds(9)));
        Assert.False(ledger.HasMoney(Noon.AddSeconds(10)));
    }

    [Fact]
    public void Money_that_lasts_longer_than_a_century_is_exhausted_then()
    {
        var ledger = Rich(long.MaxValue / 2);
        Assert.True(Hold(ledger, One, 1, MicroEuro.Zero, Noon, Noon));
        Start(ledger, One, 1, Noon, new MicroEuro(1));
        Assert.Equal(Noon.AddDays(36_500), ledger.ExhaustedAt(Noon));
    }

    [Fact]
    public void The_next_act_is_the_first_of_lapse_settlement_and_exhaustion()
    {
        var every = TimeSpan.FromMinutes(10);
        var ledger = Rich(3_600_000);
        Assert.Null(ledger.NextAct(Noon, every));

        Assert.True(Hold(ledger, One, 1, new MicroEuro(1), Noon.AddMinutes(30), Noon));
        Assert.Equal(Noon.AddMinutes(30), ledger.NextAct(Noon, every));

        Assert.True(Hold(ledger, Two, 1, MicroEuro.Zero, Noon.AddMinutes(50), Noon));
        Assert.Equal(Noon.AddMinutes(30), ledger.NextAct(Noon, every));
        Start(ledger, Two, 1, Noon, Hourly);
        Assert.Equal(Noon.AddMinutes(10), ledger.NextAct(Noon, every));
        Assert.Equal(Noon.AddMinutes(30), ledger.NextAct(Noon, TimeSpan.FromMinutes(40)));

        ledger.Lapse(Noon.AddMinutes(30));
        Assert.Equal(Noon.AddMinutes(40), ledger.NextAct(Noon, TimeSpan.FromMinutes(40)));
        // The money lasts for an hour, so exhaustion comes before a settlement every two hours.
        Assert.Equal(Noon.AddHours(1), ledger.NextAct(Noon, TimeSpan.FromHours(2)));
        ledger.Change(record => record with { ExhaustedSince = Noon });
        Assert.Equal(Noon.AddHours(2), ledger.NextAct(Noon, TimeSpan.FromHours(2)));
        ledger.Change(record => record with { ExhaustedSince = null });

        ledger.Settle(Noon.AddMinutes(20));
        Assert.Equal(Noon.AddMinutes(30), ledger.NextAct(Noon.AddMinutes(20), every));
    }

    [Fact]
    public void The_burn_is_the_sum_of_the_running_prices()
    {
        var ledger = Rich(9_000_000);
        foreach (var (id, price) in new[] { (One, 5L), (Two, 7L) })
        {
            Assert.True(Hold(ledger, id, 1, MicroEuro.Zero, Noon, Noon));
            Assert.True(ledger.BurnPerHour() < new MicroEuro(price));
            Start(ledger, id, 1, Noon, new MicroEuro(price));
        }

        Assert.Equal(new MicroEuro(12), ledger.BurnPerHour());
        Assert.Equal([One, Two], ledger.Metered.Select(tab => tab.Instance).OrderBy(id => id.Value));
        Close(ledger, One, 1, Noon, Noon, new MicroEuro(5), Noon);
        Assert.Equal(new MicroEuro(7), ledger.BurnPerHour());
        Assert.Equal(Two, Assert.Single(ledger.Metered).Instance);
    }

    [Fact]
    public void An_older_or_closed_run_gets_neither_hold_nor_meter()
    {
        var ledger = Rich(9_000_000);
        Assert.True(Hold(ledger, One, 2, MicroEuro.Zero, Noon, Noon));
        Assert.False(Hold(ledger, One, 1, MicroEuro.Zero, Noon, Noon));
        Start(ledger, One, 1, Noon, Hourly);
        Assert.Empty(ledger.Metered);

        Close(ledger, One, 2, null, null, Hourly, Noon);
        Assert.False(Hold(ledger, One, 2, MicroEuro.Zero, Noon, Noon));
        Start(ledger, One, 2, Noon, Hourly);
        Assert.Empty(ledger.Metered);
        Assert.True(Hold(ledger, One, 3, MicroEuro.Zero, Noon, Noon));
    }

    [Fact]
    public void A_meter_keeps_the_hold_of_its_own_run_only()
    {
        var ledger = Rich(9_000_000);
        Assert.True(Hold(ledger, One, 1, Hourly, Noon.AddHours(1), Noon));
        Start(ledger, One, 1, Noon, Hourly);
        Assert.Equal(Hourly, ledger.Holds(Noon));
        Close(ledger, One, 1, Noon, Noon, Hourly, Noon);
        Assert.Equal(MicroEuro.Zero, ledger.Holds(Noon));

        Assert.True(Hold(ledger, One, 2, Hourly, Noon.AddHours(1), Noon));
        Start(ledger, One, 3, Noon, Hourly);
        Assert.Equal(MicroEuro.Zero, ledger.Holds(Noon));
        Assert.Equal(3, Assert.Single(ledger.Metered).Run);
    }

    [Fact]
    public void A_hold_of_a_running_meter_does_not_lapse()
    {
        var ledger = Rich(9_000_000);
        Assert.True(Hold(ledger, One, 1, Hourly, Noon.AddMinutes(1), Noon));
        Assert.True(Hold(ledger, Two, 1, Hourly, Noon.AddMinutes(1), Noon));
        Start(ledger, One, 1, Noon.AddMinutes(1), Hourly);
        ledger.Commit(null);

        ledger.Lapse(Noon.AddMinutes(1));

        Assert.Equal(Hourly, ledger.Holds(Noon.AddMinutes(1)));
        var lapsed = Assert.Single(ledger.Commit(null).ChangedTabs);
        Assert.Equal((Two, MicroEuro.Zero, null), (lapsed.Instance, lapsed.Hold, lapsed.HoldLapsesAt));
        ledger.Lapse(Noon.AddMinutes(2));
        Assert.False(ledger.IsDirty);
    }

    [Fact]
    public void INV_05_ends_of_several_earlier_runs_are_corrected_when_they_are_on_record()
    {
        var ledger = Rich(9_000_000);
        for (var run = 1; run <= 3; run++)
        {
            var earlier = new CloseRun(One, run - 1, Noon, Noon.AddSeconds(10), Hourly, Request);
            var take = new TakeHold(One, run, MicroEuro.Zero, Noon, Request, run == 1 ? null : earlier);
            Assert.True(ledger.TryHold(take, Noon));
            Start(ledger, One, run, Noon, Hourly);
        }

        Assert.Equal(new MicroEuro(9_000_000 - 20_000), ledger.Record.Balance);
        Assert.Equal([3, 2, 1], RunsOf(Committed(ledger)));

        Close(ledger, One, 1, Noon, Noon.AddSeconds(50), Hourly, Noon);
        Assert.Equal(new MicroEuro(9_000_000 - 60_000), ledger.Record.Balance);
        Assert.Equal([3, 2], RunsOf(Committed(ledger)));

        Close(ledger, One, 2, Noon, Noon.AddSeconds(10), Hourly, Noon);
        Assert.Equal([3], RunsOf(Committed(ledger)));
        Close(ledger, One, 3, Noon, Noon.AddSeconds(5), Hourly, Noon);
        Assert.Equal(new MicroEuro(9_000_000 - 65_000), ledger.Record.Balance);
        Assert.True(Committed(ledger).EndRecorded);

        Close(ledger, One, 1, Noon, Noon.AddSeconds(99), Hourly, Noon);
        Close(ledger, One, 3, Noon, Noon.AddSeconds(99), Hourly, Noon);
        Assert.False(ledger.IsDirty);
    }

    [Fact]
    public void A_settlement_writes_one_segment_per_metered_run()
    {
        var ledger = Rich(9_000_000);
        Assert.True(Hold(ledger, One, 1, MicroEuro.Zero, Noon, Noon));
        Start(ledger, One, 1, Noon, Hourly);
        ledger.Commit(null);

        ledger.Settle(Noon.AddSeconds(10));
        ledger.Settle(Noon.AddSeconds(10));
        ledger.Settle(Noon.AddSeconds(25));

        var entries = ledger.Commit(null).NewEntries;
        Assert.Equal(["usage/i-1/1/1", "usage/i-1/1/2"], entries.Select(entry => entry.Key));
        Assert.Equal([10L, 15L], entries.Select(entry => entry.Seconds));
        Assert.Equal([1, 2], entries.Select(entry => entry.Segment));
        Assert.Equal([new MicroEuro(-10_000), new MicroEuro(-15_000)], entries.Select(entry => entry.Amount));
        Assert.All(entries, entry => Assert.Equal((LedgerEntryKind.Usage, Hourly), (entry.Kind, entry.PricePerHour)));
    }

    [Fact]
    public void INV_06_holds_of_other_launches_are_not_spent_twice()
    {
        var ledger = Rich(10);
        Assert.True(Hold(ledger, One, 1, new MicroEuro(6), Noon, Noon));
        Assert.False(Hold(ledger, Two, 1, new MicroEuro(5), Noon, Noon));
        Assert.True(Hold(ledger, Two, 1, new MicroEuro(4), Noon, Noon));
        Assert.Equal(new MicroEuro(10), ledger.Holds(Noon));
        Assert.False(Hold(ledger, One, 1, new MicroEuro(7), Noon, Noon));
    }

    [Fact]
    public void A_run_that_is_closed_before_it_came_here_never_opens()
    {
        var ledger = Rich(9_000_000);
        Assert.True(Hold(ledger, One, 1, Hourly, Noon, Noon));

        Close(ledger, One, 2, null, null, Hourly, Noon);

        Assert.Equal(MicroEuro.Zero, ledger.Holds(Noon));
        var tab = Committed(ledger);
        Assert.Equal((One, 2, true, true), (tab.Instance, tab.Run, tab.Closed, tab.EndRecorded));
        Assert.False(Hold(ledger, One, 2, MicroEuro.Zero, Noon, Noon));
        Start(ledger, One, 2, Noon, Hourly);
        Assert.Empty(ledger.Metered);
    }

    [Fact]
    public void A_run_that_was_never_metered_is_not_kept_for_correction()
    {
        var ledger = Rich(9_000_000);
        Assert.True(Hold(ledger, One, 1, MicroEuro.Zero, Noon, Noon));
        Assert.True(Hold(ledger, One, 2, MicroEuro.Zero, Noon, Noon));
        Assert.Equal([2], RunsOf(Committed(ledger)));
    }

    [Fact]
    public void A_clock_that_steps_back_takes_no_bill_back()
    {
        var ledger = Rich(9_000_000);
        Assert.True(Hold(ledger, One, 1, MicroEuro.Zero, Noon, Noon));
        Start(ledger, One, 1, Noon, Hourly);
        ledger.Settle(Noon.AddSeconds(10));
        ledger.Settle(Noon.AddSeconds(5));
        Assert.Equal(new MicroEuro(9_000_000 - 10_000), ledger.Record.Balance);
        Assert.Equal(MicroEuro.Zero, ledger.Accrued(Noon.AddSeconds(5)));
    }

    [Fact]
    public void A_forgotten_instance_may_come_back_as_a_new_one()
    {
        var ledger = Rich(9_000_000);
        Assert.True(Hold(ledger, One, 1, MicroEuro.Zero, Noon, Noon));
        Close(ledger, One, 1, null, null, Hourly, Noon);
        Assert.False(Hold(ledger, One, 1, MicroEuro.Zero, Noon, Noon));
        ledger.Forget(One);
        Assert.True(Hold(ledger, One, 1, MicroEuro.Zero, Noon, Noon));
    }

    [Fact]
    public void A_meter_that_began_before_counts_from_its_start_at_once()
    {
        var ledger = Rich(9_000_000);
        Assert.True(Hold(ledger, One, 1, MicroEuro.Zero, Noon, Noon));
        Assert.Equal(MicroEuro.Zero, ledger.Accrued(Noon.AddSeconds(10)));
        Start(ledger, One, 1, Noon, Hourly);
        Assert.Equal(new MicroEuro(10_000), ledger.Accrued(Noon.AddSeconds(10)));
        Close(ledger, One, 1, Noon, Noon, Hourly, Noon);
        Assert.Equal(MicroEuro.Zero, ledger.Accrued(Noon.AddSeconds(10)));
    }

    [Fact]
    public void Money_in_alone_has_to_be_written_and_an_event_keeps_its_data()
    {
        var ledger = new AccountLedger(new AccountRecord { Id = new AccountId("acct-a") }, []);
        Assert.False(ledger.Record.Exists);
        ledger.TopUp(new MicroEuro(1), "x", Noon, Request);
        Assert.True(ledger.IsDirty);
        var data = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add("reference", "x");
        ledger.AddEvent("TopUp", "money in", Noon, Request, "key:a", data);
        var written = ledger.Commit(null);
        Assert.Same(data, Assert.Single(written.Events).Data);
        Assert.True(written.Exists);
    }

    private static bool Hold(
        AccountLedger ledger,
        InstanceId instance,
        int run,
        MicroEuro amount,
        DateTimeOffset lapsesAt,
        DateTimeOffset now
    ) => ledger.TryHold(new TakeHold(instance, run, amount, lapsesAt, Request), now);

    private static void Start(AccountLedger ledger, InstanceId id, int run, DateTimeOffset since, MicroEuro price) =>
        ledger.StartMeter(new StartMeter(id, run, since, price, Request));

    private static void Close(
        AccountLedger ledger,
        InstanceId instance,
        int run,
        DateTimeOffset? since,
        DateTimeOffset? until,
        MicroEuro price,
        DateTimeOffset now
    ) => ledger.Close(new CloseRun(instance, run, since, until, price, Request), now);

    private static InstanceTab Committed(AccountLedger ledger) => Assert.Single(ledger.Commit(null).ChangedTabs);

    private static IEnumerable<int> RunsOf(InstanceTab? tab)
    {
        for (; tab is not null; tab = tab.ProvisionalTab)
        {
            yield return tab.Run;
        }
    }

    private static AccountLedger Rich(long money)
    {
        var ledger = new AccountLedger(new AccountRecord { Id = new AccountId("acct-a"), Generation = 1 }, []);
        ledger.TopUp(new MicroEuro(money), "opening", Noon, Request);
        return ledger;
    }
}

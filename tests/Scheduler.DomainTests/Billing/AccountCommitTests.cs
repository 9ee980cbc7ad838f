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
        var book = new AccountBook(
            new AccountRecord
            {
                Id = new AccountId("acct-a"),
                Generation = 4,
                LastEntry = 7,
            },
            []
        );
        Assert.False(book.IsDirty);

        var entry = book.TopUp(new MicroEuro(9_000_000), "ref", Noon, Request);
        book.Note("TopUp", "money in", Noon, Request, "key:a");
        book.Note("LowBalance", "low", Noon, Request, "scheduler", data: null);
        Assert.True(book.TryHold(One, 1, Hourly, Noon.AddHours(1), Noon, Request));
        Assert.True(book.IsDirty);

        Assert.Equal("topup/ref", entry.Key);
        Assert.Equal(AccountBook.TopUpKey("ref"), entry.Key);
        Assert.Equal((8L, new MicroEuro(9_000_000)), (entry.Sequence, entry.BalanceAfter));
        var written = book.Commit(Noon.AddHours(1));
        Assert.False(book.IsDirty);
        Assert.Equal((5L, 8L, 2L), (written.Generation, written.LastEntry, written.LastSequence));
        Assert.Equal(Noon.AddHours(1), written.WakeAt);
        Assert.Equal([entry], written.NewEntries);
        Assert.Equal([1L, 2L], written.Events.Select(happened => happened.Sequence));
        Assert.All(written.Events, happened => Assert.Empty(happened.Data));
        Assert.Equal(Hourly, Assert.Single(written.ChangedTabs).Hold);
        Assert.Empty(written.RemovedTabs);

        book.Note("Suspended", "by hand", Noon, Request, "operator");
        Assert.True(book.IsDirty);
        book.Change(record => record with { Suspended = true });
        written = book.Commit(null);
        Assert.Equal(3, Assert.Single(written.Events).Sequence);
        Assert.Equal((6L, 3L, true), (written.Generation, written.LastSequence, written.Suspended));
        Assert.Empty(written.NewEntries);
        Assert.Empty(written.ChangedTabs);
        Assert.Null(written.WakeAt);
    }

    [Fact]
    public void A_change_of_the_record_is_written()
    {
        var book = Rich(1);
        book.Commit(null);
        book.Change(record => record with { DisplayName = "other" });
        Assert.True(book.IsDirty);
        Assert.Equal("other", book.Record.DisplayName);
        Assert.Equal("other", book.Commit(null).DisplayName);
    }

    [Fact]
    public void A_forgotten_instance_is_removed_with_its_hold()
    {
        var book = Rich(9_000_000);
        Assert.True(book.TryHold(One, 1, Hourly, Noon.AddHours(1), Noon, Request));
        book.Commit(null);
        book.Forget(Two);
        Assert.False(book.IsDirty);

        Assert.True(book.TryHold(One, 1, Hourly, Noon.AddHours(2), Noon, Request));
        book.Forget(One);

        Assert.True(book.IsDirty);
        Assert.Equal(MicroEuro.Zero, book.Holds(Noon));
        var written = book.Commit(null);
        Assert.Equal([One], written.RemovedTabs);
        Assert.Empty(written.ChangedTabs);
        Assert.Empty(book.Commit(null).RemovedTabs);
    }

    [Fact]
    public void A_suspended_account_gets_no_hold()
    {
        var book = Rich(9_000_000);
        book.Change(record => record with { Suspended = true });
        Assert.False(book.TryHold(One, 1, MicroEuro.Zero, Noon, Noon, Request));
        book.Change(record => record with { Suspended = false });
        Assert.True(book.TryHold(One, 1, new MicroEuro(9_000_000), Noon, Noon, Request));
    }

    [Theory]
    [InlineData(9, false)]
    [InlineData(10, false)]
    [InlineData(11, true)]
    public void A_top_up_ends_the_exhaustion_only_when_it_leaves_money(long amount, bool ends)
    {
        var book = Rich(0);
        book.Change(record => record with { ExhaustedSince = Noon, LowBalanceSince = Noon });
        Assert.True(book.TryHold(One, 1, MicroEuro.Zero, Noon, Noon, Request));
        book.StartMeter(One, 1, Noon, new MicroEuro(3600), Request);

        book.TopUp(new MicroEuro(amount), "x", Noon.AddSeconds(10), Request);

        Assert.Equal(ends ? null : Noon, book.Record.ExhaustedSince);
        Assert.Equal(ends ? null : Noon, book.Record.LowBalanceSince);
    }

    [Fact]
    public void Money_is_there_until_the_last_second_that_it_pays()
    {
        var book = Rich(0);
        Assert.False(book.HasMoney(Noon));
        Assert.Null(book.ExhaustedAt(Noon));
        book.TopUp(new MicroEuro(10), "x", Noon, Request);
        Assert.True(book.HasMoney(Noon));
        Assert.Null(book.ExhaustedAt(Noon));

        Assert.True(book.TryHold(One, 1, MicroEuro.Zero, Noon, Noon, Request));
        book.StartMeter(One, 1, Noon, new MicroEuro(3600), Request);
        Assert.Equal(Noon.AddSeconds(10), book.ExhaustedAt(Noon));
        Assert.Equal(Noon.AddSeconds(10), book.ExhaustedAt(Noon.AddSeconds(4)));
        Assert.True(book.HasMoney(Noon.AddSeconds(9)));
        Assert.False(book.HasMoney(Noon.AddSeconds(10)));
    }

    [Fact]
    public void Money_that_lasts_longer_than_a_century_is_exhausted_then()
    {
        var book = Rich(long.MaxValue / 2);
        Assert.True(book.TryHold(One, 1, MicroEuro.Zero, Noon, Noon, Request));
        book.StartMeter(One, 1, Noon, new MicroEuro(1), Request);
        Assert.Equal(Noon.AddDays(36_500), book.ExhaustedAt(Noon));
    }

    [Fact]
    public void The_next_act_is_the_first_of_lapse_settlement_and_exhaustion()
    {
        var every = TimeSpan.FromMinutes(10);
        var book = Rich(3_600_000);
        Assert.Null(book.NextAct(Noon, every));

        Assert.True(book.TryHold(One, 1, new MicroEuro(1), Noon.AddMinutes(30), Noon, Request));
        Assert.Equal(Noon.AddMinutes(30), book.NextAct(Noon, every));

        Assert.True(book.TryHold(Two, 1, MicroEuro.Zero, Noon.AddMinutes(50), Noon, Request));
        Assert.Equal(Noon.AddMinutes(30), book.NextAct(Noon, every));
        book.StartMeter(Two, 1, Noon, Hourly, Request);
        Assert.Equal(Noon.AddMinutes(10), book.NextAct(Noon, every));
        Assert.Equal(Noon.AddMinutes(30), book.NextAct(Noon, TimeSpan.FromMinutes(40)));

        book.Lapse(Noon.AddMinutes(30));
        Assert.Equal(Noon.AddMinutes(40), book.NextAct(Noon, TimeSpan.FromMinutes(40)));
        // The money lasts for an hour, so exhaustion comes before a settlement every two hours.
        Assert.Equal(Noon.AddHours(1), book.NextAct(Noon, TimeSpan.FromHours(2)));
        book.Change(record => record with { ExhaustedSince = Noon });
        Assert.Equal(Noon.AddHours(2), book.NextAct(Noon, TimeSpan.FromHours(2)));
        book.Change(record => record with { ExhaustedSince = null });

        book.Settle(Noon.AddMinutes(20));
        Assert.Equal(Noon.AddMinutes(30), book.NextAct(Noon.AddMinutes(20), every));
    }

    [Fact]
    public void The_burn_is_the_sum_of_the_running_prices()
    {
        var book = Rich(9_000_000);
        foreach (var (id, price) in new[] { (One, 5L), (Two, 7L) })
        {
            Assert.True(book.TryHold(id, 1, MicroEuro.Zero, Noon, Noon, Request));
            Assert.True(book.BurnPerHour() < new MicroEuro(price));
            book.StartMeter(id, 1, Noon, new MicroEuro(price), Request);
        }

        Assert.Equal(new MicroEuro(12), book.BurnPerHour());
        Assert.Equal([One, Two], book.Metered.Select(tab => tab.Instance).OrderBy(id => id.Value));
        book.Close(One, 1, Noon, Noon, new MicroEuro(5), Noon, Request);
        Assert.Equal(new MicroEuro(7), book.BurnPerHour());
        Assert.Equal(Two, Assert.Single(book.Metered).Instance);
    }

    [Fact]
    public void An_older_or_closed_run_gets_neither_hold_nor_meter()
    {
        var book = Rich(9_000_000);
        Assert.True(book.TryHold(One, 2, MicroEuro.Zero, Noon, Noon, Request));
        Assert.False(book.TryHold(One, 1, MicroEuro.Zero, Noon, Noon, Request));
        book.StartMeter(One, 1, Noon, Hourly, Request);
        Assert.Empty(book.Metered);

        book.Close(One, 2, null, null, Hourly, Noon, Request);
        Assert.False(book.TryHold(One, 2, MicroEuro.Zero, Noon, Noon, Request));
        book.StartMeter(One, 2, Noon, Hourly, Request);
        Assert.Empty(book.Metered);
        Assert.True(book.TryHold(One, 3, MicroEuro.Zero, Noon, Noon, Request));
    }

    [Fact]
    public void A_meter_keeps_the_hold_of_its_own_run_only()
    {
        var book = Rich(9_000_000);
        Assert.True(book.TryHold(One, 1, Hourly, Noon.AddHours(1), Noon, Request));
        book.StartMeter(One, 1, Noon, Hourly, Request);
        Assert.Equal(Hourly, book.Holds(Noon));
        book.Close(One, 1, Noon, Noon, Hourly, Noon, Request);
        Assert.Equal(MicroEuro.Zero, book.Holds(Noon));

        Assert.True(book.TryHold(One, 2, Hourly, Noon.AddHours(1), Noon, Request));
        book.StartMeter(One, 3, Noon, Hourly, Request);
        Assert.Equal(MicroEuro.Zero, book.Holds(Noon));
        Assert.Equal(3, Assert.Single(book.Metered).Run);
    }

    [Fact]
    public void A_hold_of_a_running_meter_does_not_lapse()
    {
        var book = Rich(9_000_000);
        Assert.True(book.TryHold(One, 1, Hourly, Noon.AddMinutes(1), Noon, Request));
        Assert.True(book.TryHold(Two, 1, Hourly, Noon.AddMinutes(1), Noon, Request));
        book.StartMeter(One, 1, Noon.AddMinutes(1), Hourly, Request);
        book.Commit(null);

        book.Lapse(Noon.AddMinutes(1));

        Assert.Equal(Hourly, book.Holds(Noon.AddMinutes(1)));
        var lapsed = Assert.Single(book.Commit(null).ChangedTabs);
        Assert.Equal((Two, MicroEuro.Zero, null), (lapsed.Instance, lapsed.Hold, lapsed.HoldLapsesAt));
        book.Lapse(Noon.AddMinutes(2));
        Assert.False(book.IsDirty);
    }

    [Fact]
    public void INV_05_ends_of_several_earlier_runs_are_corrected_when_they_are_on_record()
    {
        var book = Rich(9_000_000);
        for (var run = 1; run <= 3; run++)
        {
            Assert.True(book.TryHold(One, run, MicroEuro.Zero, Noon, Noon, Request));
            book.StartMeter(One, run, Noon, Hourly, Request);
            book.Close(One, run, Noon, Noon.AddSeconds(10), Hourly, Noon, Request, isRecorded: false);
        }

        Assert.Equal(new MicroEuro(9_000_000 - 30_000), book.Record.Balance);
        Assert.Equal([3, 2, 1], RunsOf(Committed(book)));

        book.Close(One, 1, Noon, Noon.AddSeconds(50), Hourly, Noon, Request);
        Assert.Equal(new MicroEuro(9_000_000 - 70_000), book.Record.Balance);
        Assert.Equal([3, 2], RunsOf(Committed(book)));

        book.Close(One, 2, Noon, Noon.AddSeconds(10), Hourly, Noon, Request);
        Assert.Equal([3], RunsOf(Committed(book)));
        book.Close(One, 3, Noon, Noon.AddSeconds(5), Hourly, Noon, Request);
        Assert.Equal(new MicroEuro(9_000_000 - 65_000), book.Record.Balance);
        Assert.True(Committed(book).EndRecorded);

        book.Close(One, 1, Noon, Noon.AddSeconds(99), Hourly, Noon, Request);
        book.Close(One, 3, Noon, Noon.AddSeconds(99), Hourly, Noon, Request);
        Assert.False(book.IsDirty);
    }

    [Fact]
    public void A_settlement_writes_one_segment_per_metered_run()
    {
        var book = Rich(9_000_000);
        Assert.True(book.TryHold(One, 1, MicroEuro.Zero, Noon, Noon, Request));
        book.StartMeter(One, 1, Noon, Hourly, Request);
        book.Commit(null);

        book.Settle(Noon.AddSeconds(10));
        book.Settle(Noon.AddSeconds(10));
        book.Settle(Noon.AddSeconds(25));

        var entries = book.Commit(null).NewEntries;
        Assert.Equal(["usage/i-1/1/1", "usage/i-1/1/2"], entries.Select(entry => entry.Key));
        Assert.Equal([10L, 15L], entries.Select(entry => entry.Seconds));
        Assert.Equal([1, 2], entries.Select(entry => entry.Segment));
        Assert.Equal([new MicroEuro(-10_000), new MicroEuro(-15_000)], entries.Select(entry => entry.Amount));
        Assert.All(entries, entry => Assert.Equal((LedgerEntryKind.Usage, Hourly), (entry.Kind, entry.PricePerHour)));
    }

    [Fact]
    public void INV_06_holds_of_other_launches_are_not_spent_twice()
    {
        var book = Rich(10);
        Assert.True(book.TryHold(One, 1, new MicroEuro(6), Noon, Noon, Request));
        Assert.False(book.TryHold(Two, 1, new MicroEuro(5), Noon, Noon, Request));
        Assert.True(book.TryHold(Two, 1, new MicroEuro(4), Noon, Noon, Request));
        Assert.Equal(new MicroEuro(10), book.Holds(Noon));
        Assert.False(book.TryHold(One, 1, new MicroEuro(7), Noon, Noon, Request));
    }

    [Fact]
    public void A_run_that_is_closed_before_it_came_here_never_opens()
    {
        var book = Rich(9_000_000);
        Assert.True(book.TryHold(One, 1, Hourly, Noon, Noon, Request));

        book.Close(One, 2, null, null, Hourly, Noon, Request);

        Assert.Equal(MicroEuro.Zero, book.Holds(Noon));
        var tab = Committed(book);
        Assert.Equal((One, 2, true, true), (tab.Instance, tab.Run, tab.Closed, tab.EndRecorded));
        Assert.False(book.TryHold(One, 2, MicroEuro.Zero, Noon, Noon, Request));
        book.StartMeter(One, 2, Noon, Hourly, Request);
        Assert.Empty(book.Metered);
    }

    [Fact]
    public void A_run_that_was_never_metered_is_not_kept_for_correction()
    {
        var book = Rich(9_000_000);
        Assert.True(book.TryHold(One, 1, MicroEuro.Zero, Noon, Noon, Request));
        Assert.True(book.TryHold(One, 2, MicroEuro.Zero, Noon, Noon, Request));
        Assert.Equal([2], RunsOf(Committed(book)));
    }

    [Fact]
    public void A_clock_that_steps_back_takes_no_bill_back()
    {
        var book = Rich(9_000_000);
        Assert.True(book.TryHold(One, 1, MicroEuro.Zero, Noon, Noon, Request));
        book.StartMeter(One, 1, Noon, Hourly, Request);
        book.Settle(Noon.AddSeconds(10));
        book.Settle(Noon.AddSeconds(5));
        Assert.Equal(new MicroEuro(9_000_000 - 10_000), book.Record.Balance);
        Assert.Equal(MicroEuro.Zero, book.Accrued(Noon.AddSeconds(5)));
    }

    [Fact]
    public void A_forgotten_instance_may_come_back_as_a_new_one()
    {
        var book = Rich(9_000_000);
        Assert.True(book.TryHold(One, 1, MicroEuro.Zero, Noon, Noon, Request));
        book.Close(One, 1, null, null, Hourly, Noon, Request);
        Assert.False(book.TryHold(One, 1, MicroEuro.Zero, Noon, Noon, Request));
        book.Forget(One);
        Assert.True(book.TryHold(One, 1, MicroEuro.Zero, Noon, Noon, Request));
    }

    [Fact]
    public void A_meter_that_began_before_counts_from_its_start_at_once()
    {
        var book = Rich(9_000_000);
        Assert.True(book.TryHold(One, 1, MicroEuro.Zero, Noon, Noon, Request));
        Assert.Equal(MicroEuro.Zero, book.Accrued(Noon.AddSeconds(10)));
        book.StartMeter(One, 1, Noon, Hourly, Request);
        Assert.Equal(new MicroEuro(10_000), book.Accrued(Noon.AddSeconds(10)));
        book.Close(One, 1, Noon, Noon, Hourly, Noon, Request);
        Assert.Equal(MicroEuro.Zero, book.Accrued(Noon.AddSeconds(10)));
    }

    [Fact]
    public void Money_in_alone_has_to_be_written_and_an_event_keeps_its_data()
    {
        var book = new AccountBook(new AccountRecord { Id = new AccountId("acct-a") }, []);
        Assert.False(book.Record.Exists);
        book.TopUp(new MicroEuro(1), "x", Noon, Request);
        Assert.True(book.IsDirty);
        var data = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add("reference", "x");
        book.Note("TopUp", "money in", Noon, Request, "key:a", data);
        var written = book.Commit(null);
        Assert.Same(data, Assert.Single(written.Events).Data);
        Assert.True(written.Exists);
    }

    private static InstanceTab Committed(AccountBook book) => Assert.Single(book.Commit(null).ChangedTabs);

    private static IEnumerable<int> RunsOf(InstanceTab? tab)
    {
        for (; tab is not null; tab = tab.Before)
        {
            yield return tab.Run;
        }
    }

    private static AccountBook Rich(long money)
    {
        var book = new AccountBook(new AccountRecord { Id = new AccountId("acct-a"), Generation = 1 }, []);
        book.TopUp(new MicroEuro(money), "opening", Noon, Request);
        return book;
    }
}

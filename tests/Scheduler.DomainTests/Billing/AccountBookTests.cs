using FsCheck;
using FsCheck.Xunit;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Xunit;

namespace Scheduler.DomainTests.Billing;

/// <summary>
/// Random lives of a few instances on one account, as their grains would drive it, with repeats, commits, settlements and a clock that
/// steps back. Each number of a list picks the next act.
/// </summary>
public sealed partial class AccountBookTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly RequestId Request = new("req-1");

    [Property(MaxTest = 500)]
    public void INV_05_the_ledger_adds_up_and_bills_each_second_of_each_run_once(DoNotSize<uint>[] steps)
    {
        var world = new World(new MicroEuro(50_000_000));
        foreach (var step in steps.Select(number => number.Item))
        {
            world.Step(step);
            world.AddsUp();
        }

        world.CloseAll();
        world.AddsUp();
        Assert.Equal(MicroEuro.Zero, world.Book.Accrued(world.Now));
        Assert.Equal(MicroEuro.Zero, world.Book.BurnPerHour());
        world.BilledAsRun();
    }

    [Property(MaxTest = 500)]
    public void INV_06_no_hold_is_taken_that_leaves_less_than_nothing(DoNotSize<uint>[] steps)
    {
        // Two of the three holds fit.
        var world = new World(new MicroEuro(2_500_000));
        foreach (var step in steps.Select(number => number.Item))
        {
            if (world.Step(step))
            {
                Assert.True(world.Available() >= MicroEuro.Zero, "a hold was taken that was not there");
            }
        }

        world.CloseAll();
        Assert.Equal(MicroEuro.Zero, world.Book.Holds(world.Now));
    }

    [Property(MaxTest = 300)]
    public void INV_05_a_message_about_a_run_that_is_over_changes_nothing(DoNotSize<uint>[] steps)
    {
        var world = new World(new MicroEuro(50_000_000));
        foreach (var step in steps.Select(number => number.Item))
        {
            world.Step(step);
            world.Commit();
            world.RepeatEverythingThatIsOver();
            Assert.False(world.Book.IsDirty);
        }
    }

    [Property(MaxTest = 300)]
    public void A_book_read_again_from_what_was_committed_goes_on_the_same(DoNotSize<uint>[] steps)
    {
        var (kept, read) = (new World(new MicroEuro(50_000_000)), new World(new MicroEuro(50_000_000)));
        foreach (var step in steps.Select(number => number.Item))
        {
            kept.Step(step);
            read.Step(step);
            read.ReadAgain();
            Assert.Equal(kept.Book.Record.Balance, read.Book.Record.Balance);
            Assert.Equal(kept.Book.Holds(kept.Now), read.Book.Holds(read.Now));
            Assert.Equal(kept.Book.Accrued(kept.Now), read.Book.Accrued(read.Now));
        }
    }

    [Property]
    public void The_moment_the_money_ends_is_right_to_the_second(uint money, ushort price, ushort passed)
    {
        var hourly = new MicroEuro(price + 1L);
        var book = Rich(new MicroEuro(money + 10_000L));
        Assert.True(book.TryHold(new InstanceId("i-1"), 1, MicroEuro.Zero, Noon, Noon, Request));
        book.StartMeter(new InstanceId("i-1"), 1, Noon, hourly, Request);
        var now = Noon.AddSeconds(passed);
        var ends = book.ExhaustedAt(now)!.Value;

        if (book.Record.Balance >= book.Accrued(now))
        {
            Assert.True(book.Record.Balance - book.Accrued(ends) >= MicroEuro.Zero);
            Assert.True(book.Record.Balance - book.Accrued(ends.AddSeconds(1)) <= MicroEuro.Zero);
        }
        else
        {
            Assert.Equal(now, ends);
        }
    }

    [Fact]
    public void A_hold_is_drawn_down_by_its_meter_so_that_no_euro_counts_twice()
    {
        var book = Rich(new MicroEuro(3_000_000));
        var (one, other) = (new InstanceId("i-1"), new InstanceId("i-2"));
        var hourly = new MicroEuro(1_200_000);
        Assert.True(book.TryHold(one, 1, hourly, Noon.AddHours(1), Noon, Request));
        book.StartMeter(one, 1, Noon, hourly, Request);

        foreach (var minutes in new[] { 0, 15, 59, 60 })
        {
            Assert.Equal(
                new MicroEuro(1_800_000),
                book.Record.Balance - book.Accrued(Noon.AddMinutes(minutes)) - book.Holds(Noon.AddMinutes(minutes))
            );
        }

        // Past the hour the run eats into what is left.
        Assert.False(book.TryHold(other, 1, new MicroEuro(1_800_000), Noon.AddHours(2), Noon.AddMinutes(61), Request));
        Assert.True(book.TryHold(other, 1, new MicroEuro(1_780_000), Noon.AddHours(2), Noon.AddMinutes(61), Request));
    }

    [Fact]
    public void INV_06_a_hold_that_is_taken_again_replaces_itself_and_lapses_on_time()
    {
        var book = Rich(new MicroEuro(1_000_000));
        var one = new InstanceId("i-1");
        Assert.True(book.TryHold(one, 1, new MicroEuro(900_000), Noon.AddMinutes(1), Noon, Request));
        Assert.True(book.TryHold(one, 1, new MicroEuro(1_000_000), Noon.AddMinutes(2), Noon, Request));
        Assert.False(book.TryHold(one, 1, new MicroEuro(1_000_001), Noon.AddMinutes(2), Noon, Request));
        Assert.Equal(new MicroEuro(1_000_000), book.Holds(Noon));

        book.Lapse(Noon.AddSeconds(119));
        Assert.Equal(new MicroEuro(1_000_000), book.Holds(Noon));
        Assert.Equal(Noon.AddMinutes(2), book.NextAct(Noon, TimeSpan.FromHours(1)));
        book.Lapse(Noon.AddMinutes(2));
        Assert.Equal(MicroEuro.Zero, book.Holds(Noon));
    }

    [Fact]
    public void A_run_never_opens_over_one_that_still_runs()
    {
        var book = Rich(new MicroEuro(9_000_000));
        var one = new InstanceId("i-1");
        Assert.True(book.TryHold(one, 1, MicroEuro.Zero, Noon, Noon, Request));
        book.StartMeter(one, 1, Noon, new MicroEuro(1), Request);

        Assert.Throws<InvalidOperationException>(() =>
            book.TryHold(one, 2, new MicroEuro(1), Noon, Noon.AddSeconds(1), Request)
        );
        Assert.Throws<InvalidOperationException>(() => book.StartMeter(one, 2, Noon, new MicroEuro(1), Request));
        Assert.Throws<InvalidOperationException>(() => book.Close(one, 2, null, null, new MicroEuro(1), Noon, Request));
        Assert.Throws<InvalidOperationException>(() => book.Forget(one));
    }

    [Fact]
    public void A_run_whose_meter_never_started_here_is_billed_whole_by_its_close()
    {
        var book = Rich(new MicroEuro(9_000_000));
        var one = new InstanceId("i-1");
        Assert.True(book.TryHold(one, 1, MicroEuro.Zero, Noon, Noon, Request));
        book.Close(one, 1, Noon, Noon.AddSeconds(90.5), new MicroEuro(3_600_000), Noon, Request);
        Assert.Equal(new MicroEuro(9_000_000 - 90_000), book.Record.Balance);
    }

    [Fact]
    public void INV_05_a_settlement_that_ran_past_the_end_of_the_run_is_given_back()
    {
        var book = Rich(new MicroEuro(9_000_000));
        var one = new InstanceId("i-1");
        Assert.True(book.TryHold(one, 1, MicroEuro.Zero, Noon, Noon, Request));
        book.StartMeter(one, 1, Noon, new MicroEuro(3_600_000), Request);
        book.Settle(Noon.AddHours(2));
        Assert.False(book.HasMoney(Noon.AddHours(3)));

        book.Close(one, 1, Noon, Noon.AddSeconds(90), new MicroEuro(3_600_000), Noon.AddHours(2), Request);

        Assert.Equal(new MicroEuro(9_000_000 - 90_000), book.Record.Balance);
        Assert.True(book.HasMoney(Noon.AddHours(3)));
        var usage = book.Commit(null).NewEntries.Where(entry => entry.Kind == LedgerEntryKind.Usage).ToList();
        Assert.Equal(90, usage.Sum(entry => entry.Seconds));
        Assert.Equal(2, usage.Select(entry => entry.Key).Distinct().Count());
    }

    [Fact]
    public void INV_05_messages_that_outlive_their_instance_bill_nothing()
    {
        var book = Rich(new MicroEuro(9_000_000));
        var one = new InstanceId("i-1");
        Assert.True(book.TryHold(one, 1, MicroEuro.Zero, Noon, Noon, Request));
        book.Close(one, 1, Noon, Noon.AddSeconds(90), new MicroEuro(3_600_000), Noon, Request);
        book.Forget(one);
        book.Commit(null);

        book.StartMeter(one, 1, Noon, new MicroEuro(3_600_000), Request);
        book.Close(one, 1, Noon, Noon.AddSeconds(90), new MicroEuro(3_600_000), Noon, Request);

        Assert.False(book.IsDirty);
        Assert.Empty(book.Metered);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void INV_05_a_run_closed_before_its_end_was_recorded_is_billed_to_the_end_on_record(bool nextRunHeld)
    {
        var book = Rich(new MicroEuro(9_000_000));
        var one = new InstanceId("i-1");
        var hourly = new MicroEuro(3_600_000);
        Assert.True(book.TryHold(one, 1, MicroEuro.Zero, Noon, Noon, Request));
        book.StartMeter(one, 1, Noon, hourly, Request);
        book.Close(one, 1, Noon, Noon.AddSeconds(40), hourly, Noon, Request, isRecorded: false);
        if (nextRunHeld)
        {
            Assert.True(book.TryHold(one, 2, MicroEuro.Zero, Noon, Noon, Request));
        }

        // The record was lost; the run went on, and ended later.
        book.Close(one, 1, Noon, Noon.AddSeconds(100), hourly, Noon, Request);
        Assert.Equal(new MicroEuro(9_000_000 - 100_000), book.Record.Balance);

        // What was only meant counts no more, whenever it comes.
        book.Close(one, 1, Noon, Noon.AddSeconds(40), hourly, Noon, Request, isRecorded: false);
        book.Close(one, 1, Noon, Noon.AddSeconds(100), hourly, Noon, Request);
        Assert.Equal(new MicroEuro(9_000_000 - 100_000), book.Record.Balance);
        var usage = book.Commit(null).NewEntries.Where(entry => entry.Kind == LedgerEntryKind.Usage).ToList();
        Assert.Equal(2, usage.Select(entry => entry.Key).Distinct().Count());
        Assert.Equal(100, usage.Sum(entry => entry.Seconds));
    }

    [Fact]
    public void What_may_not_be_forgotten_stays()
    {
        var book = Rich(new MicroEuro(9_000_000));
        var one = new InstanceId("i-1");
        Assert.True(book.TryHold(one, 1, MicroEuro.Zero, Noon, Noon, Request));
        book.StartMeter(one, 1, Noon, new MicroEuro(1), Request);
        Assert.Throws<InvalidOperationException>(() => book.Forget(one));
        Assert.Single(book.Metered);
        Assert.Single(book.Commit(null).ChangedTabs);
    }

    [Fact]
    public void A_balance_that_would_not_fit_throws_and_changes_nothing()
    {
        var book = Rich(new MicroEuro(1));
        Assert.Throws<OverflowException>(() => book.TopUp(new MicroEuro(long.MaxValue), "x", Noon, Request));
        Assert.Equal(new MicroEuro(1), book.Record.Balance);
        Assert.Single(book.Commit(null).NewEntries);
    }

    private static AccountBook Rich(MicroEuro money)
    {
        var book = new AccountBook(new AccountRecord { Id = new AccountId("acct-a"), Generation = 1 }, []);
        book.TopUp(money, "opening", Noon, Request);
        return book;
    }
}

using FsCheck;
using FsCheck.Xunit;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Xunit;

namespace Scheduler.DomainTests.Billing;

/// <summary>
/// Random sequences of account commands for a few instances, with repeats, commits, settlements and a clock that is set
/// back. Each number of a list selects the next action.
/// </summary>
public sealed partial class AccountLedgerTests
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
        Assert.Equal(MicroEuro.Zero, world.Ledger.Accrued(world.Now));
        Assert.Equal(MicroEuro.Zero, world.Ledger.BurnPerHour());
        world.BilledAsRun();
    }

    [Property(MaxTest = 500)]
    public void INV_06_a_hold_never_makes_the_available_balance_negative(DoNotSize<uint>[] steps)
    {
        // Two of the three holds fit.
        var world = new World(new MicroEuro(2_500_000));
        foreach (var step in steps.Select(number => number.Item))
        {
            if (world.Step(step))
            {
                Assert.True(world.Available() >= MicroEuro.Zero, "The hold exceeds the available balance.");
            }
        }

        world.CloseAll();
        Assert.Equal(MicroEuro.Zero, world.Ledger.Holds(world.Now));
    }

    [Property(MaxTest = 300)]
    public void INV_05_a_repeated_message_about_a_closed_run_changes_nothing(DoNotSize<uint>[] steps)
    {
        var world = new World(new MicroEuro(50_000_000));
        foreach (var step in steps.Select(number => number.Item))
        {
            world.Step(step);
            world.Commit();
            world.RepeatEverythingThatIsOver();
            Assert.False(world.Ledger.IsDirty);
        }
    }

    [Property(MaxTest = 300)]
    public void An_account_restored_from_its_commits_continues_with_the_same_values(DoNotSize<uint>[] steps)
    {
        var (kept, read) = (new World(new MicroEuro(50_000_000)), new World(new MicroEuro(50_000_000)));
        foreach (var step in steps.Select(number => number.Item))
        {
            kept.Step(step);
            read.Step(step);
            read.ReadAgain();
            Assert.Equal(kept.Ledger.Record.Balance, read.Ledger.Record.Balance);
            Assert.Equal(kept.Ledger.Holds(kept.Now), read.Ledger.Holds(read.Now));
            Assert.Equal(kept.Ledger.Accrued(kept.Now), read.Ledger.Accrued(read.Now));
        }
    }

    [Property]
    public void The_time_of_exhaustion_is_exact_to_the_second(uint money, ushort price, ushort passed)
    {
        var hourly = new MicroEuro(price + 1L);
        var ledger = Rich(new MicroEuro(money + 10_000L));
        Assert.True(ledger.TryHold(Hold(new InstanceId("i-1"), 1, MicroEuro.Zero, Noon), Noon));
        ledger.StartMeter(Start(new InstanceId("i-1"), 1, Noon, hourly));
        var now = Noon.AddSeconds(passed);
        var ends = ledger.ExhaustedAt(now)!.Value;

        if (ledger.Record.Balance >= ledger.Accrued(now))
        {
            Assert.True(ledger.Record.Balance - ledger.Accrued(ends) >= MicroEuro.Zero);
            Assert.True(ledger.Record.Balance - ledger.Accrued(ends.AddSeconds(1)) <= MicroEuro.Zero);
        }
        else
        {
            Assert.Equal(now, ends);
        }
    }

    [Fact]
    public void A_running_meter_reduces_its_hold_so_that_no_euro_counts_twice()
    {
        var ledger = Rich(new MicroEuro(3_000_000));
        var (one, other) = (new InstanceId("i-1"), new InstanceId("i-2"));
        var hourly = new MicroEuro(1_200_000);
        Assert.True(ledger.TryHold(Hold(one, 1, hourly, Noon.AddHours(1)), Noon));
        ledger.StartMeter(Start(one, 1, Noon, hourly));

        foreach (var minutes in new[] { 0, 15, 59, 60 })
        {
            Assert.Equal(
                new MicroEuro(1_800_000),
                ledger.Record.Balance
                    - ledger.Accrued(Noon.AddMinutes(minutes))
                    - ledger.Holds(Noon.AddMinutes(minutes))
            );
        }

        // After the hour the run uses up the remaining balance.
        Assert.False(ledger.TryHold(Hold(other, 1, new MicroEuro(1_800_000), Noon.AddHours(2)), Noon.AddMinutes(61)));
        Assert.True(ledger.TryHold(Hold(other, 1, new MicroEuro(1_780_000), Noon.AddHours(2)), Noon.AddMinutes(61)));
    }

    [Fact]
    public void INV_06_a_repeated_hold_replaces_the_first_and_lapses_on_time()
    {
        var ledger = Rich(new MicroEuro(1_000_000));
        var one = new InstanceId("i-1");
        Assert.True(ledger.TryHold(Hold(one, 1, new MicroEuro(900_000), Noon.AddMinutes(1)), Noon));
        Assert.True(ledger.TryHold(Hold(one, 1, new MicroEuro(1_000_000), Noon.AddMinutes(2)), Noon));
        Assert.False(ledger.TryHold(Hold(one, 1, new MicroEuro(1_000_001), Noon.AddMinutes(2)), Noon));
        Assert.Equal(new MicroEuro(1_000_000), ledger.Holds(Noon));

        ledger.Lapse(Noon.AddSeconds(119));
        Assert.Equal(new MicroEuro(1_000_000), ledger.Holds(Noon));
        Assert.Equal(Noon.AddMinutes(2), ledger.NextAct(Noon, TimeSpan.FromHours(1)));
        ledger.Lapse(Noon.AddMinutes(2));
        Assert.Equal(MicroEuro.Zero, ledger.Holds(Noon));
    }

    [Fact]
    public void A_run_cannot_open_while_an_earlier_one_is_metered()
    {
        var ledger = Rich(new MicroEuro(9_000_000));
        var one = new InstanceId("i-1");
        Assert.True(ledger.TryHold(Hold(one, 1, MicroEuro.Zero, Noon), Noon));
        ledger.StartMeter(Start(one, 1, Noon, new MicroEuro(1)));

        Assert.Throws<InvalidOperationException>(() =>
            ledger.TryHold(Hold(one, 2, new MicroEuro(1), Noon), Noon.AddSeconds(1))
        );
        Assert.Throws<InvalidOperationException>(() => ledger.StartMeter(Start(one, 2, Noon, new MicroEuro(1))));
        Assert.Throws<InvalidOperationException>(() => ledger.Close(End(one, 2, null, null, new MicroEuro(1)), Noon));
        Assert.Throws<InvalidOperationException>(() => ledger.Forget(one));
    }

    [Fact]
    public void A_close_bills_the_whole_run_if_its_meter_never_started()
    {
        var ledger = Rich(new MicroEuro(9_000_000));
        var one = new InstanceId("i-1");
        Assert.True(ledger.TryHold(Hold(one, 1, MicroEuro.Zero, Noon), Noon));
        ledger.Close(End(one, 1, Noon, Noon.AddSeconds(90.5), new MicroEuro(3_600_000)), Noon);
        Assert.Equal(new MicroEuro(9_000_000 - 90_000), ledger.Record.Balance);
    }

    [Fact]
    public void INV_05_a_settlement_past_the_end_of_the_run_is_refunded()
    {
        var ledger = Rich(new MicroEuro(9_000_000));
        var one = new InstanceId("i-1");
        Assert.True(ledger.TryHold(Hold(one, 1, MicroEuro.Zero, Noon), Noon));
        ledger.StartMeter(Start(one, 1, Noon, new MicroEuro(3_600_000)));
        ledger.Settle(Noon.AddHours(2));
        Assert.False(ledger.HasMoney(Noon.AddHours(3)));

        ledger.Close(End(one, 1, Noon, Noon.AddSeconds(90), new MicroEuro(3_600_000)), Noon.AddHours(2));

        Assert.Equal(new MicroEuro(9_000_000 - 90_000), ledger.Record.Balance);
        Assert.True(ledger.HasMoney(Noon.AddHours(3)));
        var usage = ledger.Commit(null).NewEntries.Where(entry => entry.Kind == LedgerEntryKind.Usage).ToList();
        Assert.Equal(90, usage.Sum(entry => entry.Seconds));
        Assert.Equal(2, usage.Select(entry => entry.Key).Distinct().Count());
    }

    [Fact]
    public void INV_05_messages_about_a_forgotten_instance_bill_nothing()
    {
        var ledger = Rich(new MicroEuro(9_000_000));
        var one = new InstanceId("i-1");
        Assert.True(ledger.TryHold(Hold(one, 1, MicroEuro.Zero, Noon), Noon));
        ledger.Close(End(one, 1, Noon, Noon.AddSeconds(90), new MicroEuro(3_600_000)), Noon);
        ledger.Forget(one);
        ledger.Commit(null);

        ledger.StartMeter(Start(one, 1, Noon, new MicroEuro(3_600_000)));
        ledger.Close(End(one, 1, Noon, Noon.AddSeconds(90), new MicroEuro(3_600_000)), Noon);

        Assert.False(ledger.IsDirty);
        Assert.Empty(ledger.Metered);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void INV_05_a_provisional_close_is_corrected_to_the_recorded_end(bool nextRunHeld)
    {
        var ledger = Rich(new MicroEuro(9_000_000));
        var one = new InstanceId("i-1");
        var hourly = new MicroEuro(3_600_000);
        Assert.True(ledger.TryHold(Hold(one, 1, MicroEuro.Zero, Noon), Noon));
        ledger.StartMeter(Start(one, 1, Noon, hourly));
        ledger.CloseProvisionally(End(one, 1, Noon, Noon.AddSeconds(40), hourly), Noon);
        // The message may arrive twice; the second one does not make the close final.
        ledger.CloseProvisionally(End(one, 1, Noon, Noon.AddSeconds(40), hourly), Noon);
        if (nextRunHeld)
        {
            Assert.True(ledger.TryHold(Hold(one, 2, MicroEuro.Zero, Noon), Noon));
        }

        // The record was lost, and the run continued and ended later.
        ledger.Close(End(one, 1, Noon, Noon.AddSeconds(100), hourly), Noon);
        Assert.Equal(new MicroEuro(9_000_000 - 100_000), ledger.Record.Balance);

        // A provisional close has no effect after the final one.
        ledger.CloseProvisionally(End(one, 1, Noon, Noon.AddSeconds(40), hourly), Noon);
        ledger.Close(End(one, 1, Noon, Noon.AddSeconds(100), hourly), Noon);
        Assert.Equal(new MicroEuro(9_000_000 - 100_000), ledger.Record.Balance);
        var usage = ledger.Commit(null).NewEntries.Where(entry => entry.Kind == LedgerEntryKind.Usage).ToList();
        Assert.Equal(2, usage.Select(entry => entry.Key).Distinct().Count());
        Assert.Equal(100, usage.Sum(entry => entry.Seconds));
    }

    [Fact]
    public void A_metered_run_cannot_be_forgotten()
    {
        var ledger = Rich(new MicroEuro(9_000_000));
        var one = new InstanceId("i-1");
        Assert.True(ledger.TryHold(Hold(one, 1, MicroEuro.Zero, Noon), Noon));
        ledger.StartMeter(Start(one, 1, Noon, new MicroEuro(1)));
        Assert.Throws<InvalidOperationException>(() => ledger.Forget(one));
        Assert.Single(ledger.Metered);
        Assert.Single(ledger.Commit(null).ChangedTabs);
    }

    [Fact]
    public void A_balance_overflow_throws_and_changes_nothing()
    {
        var ledger = Rich(new MicroEuro(1));
        Assert.Throws<OverflowException>(() => ledger.TopUp(new MicroEuro(long.MaxValue), "x", Noon, Request));
        Assert.Equal(new MicroEuro(1), ledger.Record.Balance);
        Assert.Single(ledger.Commit(null).NewEntries);
    }

    private static AccountLedger Rich(MicroEuro money)
    {
        var ledger = new AccountLedger(new AccountRecord { Id = new AccountId("acct-a"), Generation = 1 }, []);
        ledger.TopUp(money, "opening", Noon, Request);
        return ledger;
    }

    private static TakeHold Hold(InstanceId id, int run, MicroEuro amount, DateTimeOffset lapsesAt) =>
        new(id, run, amount, lapsesAt, Request);

    private static StartMeter Start(InstanceId id, int run, DateTimeOffset since, MicroEuro price) =>
        new(id, run, since, price, Request);

    private static CloseRun End(
        InstanceId id,
        int run,
        DateTimeOffset? since,
        DateTimeOffset? until,
        MicroEuro price
    ) => new(id, run, since, until, price, Request);
}

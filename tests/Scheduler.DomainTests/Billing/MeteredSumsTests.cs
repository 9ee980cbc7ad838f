using FsCheck.Xunit;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Xunit;

namespace Scheduler.DomainTests.Billing;

/// <summary>The sums that a ledger updates equal those of a ledger that adds up all its tabs anew.</summary>
public sealed class MeteredSumsTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    /// <param name="runs">Start and price of each run.</param>
    /// <param name="steps">Each is the time to the next moment in units of 100 µs, negative after a clock step.</param>
    [Property(MaxTest = 300)]
    public void INV_05_sums_that_are_updated_equal_sums_over_all_tabs((ushort Start, uint Price)[] runs, short[] steps)
    {
        var tabs = runs.Select(
                (run, i) =>
                    new InstanceTab
                    {
                        Instance = new InstanceId($"i-{i}"),
                        Run = 1,
                        Hold = new MicroEuro(run.Price / 4),
                        MeterSince = Noon.AddTicks(run.Start * 1_000L),
                        PricePerHour = new MicroEuro(run.Price),
                        BilledSeconds = run.Start % 3,
                    }
            )
            .ToList();
        var ledger = new AccountLedger(new AccountRecord(), tabs);
        var now = Noon;
        foreach (var step in steps)
        {
            now = now.AddTicks(step * 1_000L);
            var anew = new AccountLedger(new AccountRecord(), tabs);
            Assert.Equal(anew.Accrued(now), ledger.Accrued(now));
            Assert.Equal(anew.Holds(now), ledger.Holds(now));
        }
    }

    [Fact]
    public void A_second_counts_at_its_end_and_not_a_tick_before()
    {
        var since = Noon.AddTicks(156_249);
        var tab = new InstanceTab
        {
            Instance = new InstanceId("i-1"),
            Run = 1,
            Hold = new MicroEuro(2),
            MeterSince = since,
            PricePerHour = new MicroEuro(3600),
        };
        var ledger = new AccountLedger(new AccountRecord(), [tab]);
        Assert.Equal(0, ledger.Accrued(since.AddMilliseconds(990)).Value);
        Assert.Equal(0, ledger.Accrued(since.AddSeconds(1).AddTicks(-1)).Value);
        Assert.Equal((1, 1), (ledger.Accrued(since.AddSeconds(1)).Value, ledger.Holds(since.AddSeconds(1)).Value));
        Assert.Equal(1, ledger.Accrued(since.AddSeconds(2).AddTicks(-1)).Value);
        Assert.Equal((2, 0), (ledger.Accrued(since.AddSeconds(2)).Value, ledger.Holds(since.AddSeconds(2)).Value));
    }
}

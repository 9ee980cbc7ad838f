using FsCheck.Xunit;
using Scheduler.Domain.Billing;
using Xunit;

namespace Scheduler.DomainTests.Billing;

public sealed class UsageTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Property]
    public void INV_05_splitting_a_run_into_segments_does_not_change_its_cost(uint price, ushort[] cuts)
    {
        var hourly = new MicroEuro(price);
        var (billed, sum) = (0L, MicroEuro.Zero);
        foreach (var cut in cuts)
        {
            sum += Usage.Cost(hourly, billed + cut) - Usage.Cost(hourly, billed);
            billed += cut;
        }

        Assert.Equal(Usage.Cost(hourly, billed), sum);
    }

    [Property]
    public void Cost_is_rounded_down_and_never_decreases(uint price, uint seconds)
    {
        var cost = Usage.Cost(new MicroEuro(price), seconds);
        Assert.True((Int128)cost.Value * Usage.SecondsPerHour <= (Int128)price * seconds);
        Assert.True((Int128)(cost.Value + 1) * Usage.SecondsPerHour > (Int128)price * seconds);
        Assert.True(Usage.Cost(new MicroEuro(price), seconds + 1L) >= cost);
    }

    [Property]
    public void The_affordable_seconds_can_be_paid_and_one_more_cannot(uint money, ushort price)
    {
        var hourly = new MicroEuro(price + 1L);
        var seconds = Usage.SecondsFor(new MicroEuro(money), hourly)!.Value;
        Assert.True(Usage.Cost(hourly, seconds).Value <= money);
        Assert.True((Int128)hourly.Value * (seconds + 1) > (Int128)money * Usage.SecondsPerHour);
    }

    [Fact]
    public void Affordable_time_is_unlimited_at_price_zero_and_zero_without_money()
    {
        Assert.Null(Usage.SecondsFor(new MicroEuro(1), MicroEuro.Zero));
        Assert.Equal(0, Usage.SecondsFor(new MicroEuro(-5), new MicroEuro(1)));
        Assert.Equal(long.MaxValue, Usage.SecondsFor(new MicroEuro(long.MaxValue), new MicroEuro(1)));
    }

    [Fact]
    public void Only_whole_elapsed_seconds_are_counted()
    {
        Assert.Equal(0, Usage.Seconds(Noon, Noon.AddMilliseconds(999)));
        Assert.Equal(1, Usage.Seconds(Noon, Noon.AddMilliseconds(1000)));
        Assert.Equal(0, Usage.Seconds(Noon, Noon.AddSeconds(-5)));
        Assert.Equal(0, Usage.Seconds(Noon, Noon));
    }

    [Theory]
    [InlineData(int.MaxValue, int.MaxValue)]
    [InlineData(int.MaxValue + 1L, int.MaxValue)]
    [InlineData(int.MaxValue, int.MaxValue + 1L)]
    [InlineData(1, -3601)]
    [InlineData(-1, 3601)]
    [InlineData(0, 0)]
    [InlineData(long.MaxValue, 3600)]
    public void Cost_is_exact_for_large_and_for_negative_numbers(long price, long seconds) =>
        Assert.Equal((long)((Int128)price * seconds / 3600), Usage.Cost(new MicroEuro(price), seconds).Value);

    [Fact]
    public void Money_overflow_throws()
    {
        var most = new MicroEuro(long.MaxValue);
        Assert.Throws<OverflowException>(() => most + new MicroEuro(1));
        Assert.Throws<OverflowException>(() => -new MicroEuro(long.MinValue));
        Assert.Throws<OverflowException>(() => new MicroEuro(long.MinValue) - new MicroEuro(1));
        Assert.Throws<OverflowException>(() => MicroEuro.FromEuros(long.MaxValue));
        Assert.Throws<OverflowException>(() => Usage.Cost(most, 3601));
        Assert.Throws<OverflowException>(() => MicroEuro.CeilingFromEuros(decimal.MaxValue / MicroEuro.PerEuro));
    }

    [Theory]
    [InlineData("0.0000001", 1)]
    [InlineData("1.2900000", 1_290_000)]
    [InlineData("1.2900001", 1_290_001)]
    [InlineData("-0.0000001", 0)]
    public void A_decimal_price_is_rounded_up_to_the_next_micro_euro(string euros, long expected) =>
        Assert.Equal(
            expected,
            MicroEuro.CeilingFromEuros(decimal.Parse(euros, System.Globalization.CultureInfo.InvariantCulture)).Value
        );

    [Theory]
    [InlineData(1_290_000, "1.29")]
    [InlineData(1, "0.000001")]
    [InlineData(0, "0.00")]
    [InlineData(-2_500_000, "-2.50")]
    public void An_amount_is_written_in_euros(long micro, string expected) =>
        Assert.Equal(expected, new MicroEuro(micro).ToString());

    [Property]
    public void A_hold_is_the_price_of_one_hour_and_at_least_the_minimum(uint minimum, uint price)
    {
        var hold = new LaunchThreshold(new MicroEuro(minimum)).HoldFor(new MicroEuro(price));
        Assert.Equal(Math.Max(minimum, price), hold.Value);
    }
}

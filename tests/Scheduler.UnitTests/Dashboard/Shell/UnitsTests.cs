using FsCheck.Xunit;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Billing;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Shell;

public sealed class UnitsTests
{
    [Theory]
    [InlineData(0, "0.00")]
    [InlineData(1, "0.000001")]
    [InlineData(4_200, "0.0042")]
    [InlineData(123_456, "0.1235")]
    [InlineData(358, "0.000358")]
    [InlineData(1_000_000, "1.00")]
    [InlineData(1_204_500_000, "1,204.50")]
    [InlineData(-1_500_000, "-1.50")]
    [InlineData(-400, "-0.0004")]
    [InlineData(long.MaxValue, "9,223,372,036,854.78")]
    public void Money_has_two_decimals_and_small_amounts_have_more(long micro, string text) =>
        Assert.Equal(text, Units.Euros(new MicroEuro(micro)));

    [Property]
    public void Only_a_zero_amount_is_shown_as_zero(long micro) =>
        Assert.Equal(micro == 0, Units.Euros(new MicroEuro(micro)).All(letter => letter is '0' or '.' or '-'));

    [Theory]
    [InlineData(0, "0.0 GiB")]
    [InlineData(1_073_741_824, "1.0 GiB")]
    [InlineData(15_032_385_536, "14.0 GiB")]
    [InlineData(1_610_612_736_000, "1,500.0 GiB")]
    public void Bytes_are_shown_in_GiB(long bytes, string text) => Assert.Equal(text, Units.Gib(bytes));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(1234567, "1,234,567")]
    [InlineData(-5, "-5")]
    public void Thousands_are_separated_by_commas(long number, string text) => Assert.Equal(text, Units.Count(number));

    [Theory]
    [InlineData(0, "0 %")]
    [InlineData(0.5, "50 %")]
    [InlineData(0.9996, "100 %")]
    [InlineData(0.1234, "12.3 %")]
    public void Shares_are_shown_in_percent(double share, string text) => Assert.Equal(text, Units.Percent(share));

    [Theory]
    [InlineData("00:00:00", "0.0 s")]
    [InlineData("00:00:00.300", "0.3 s")]
    [InlineData("00:00:00.001", "0.001 s")]
    [InlineData("00:00:09.5", "9.5 s")]
    [InlineData("00:00:12.4", "12 s")]
    [InlineData("00:01:00", "1 min")]
    [InlineData("00:03:20", "3 min 20 s")]
    [InlineData("01:00:59", "1 h")]
    [InlineData("02:05:00", "2 h 5 min")]
    [InlineData("2.04:30:00", "2 d 4 h")]
    [InlineData("-00:03:20", "−3 min 20 s")]
    public void A_duration_is_shown_in_its_two_largest_units(string time, string text) =>
        Assert.Equal(text, Units.Duration(TimeSpan.Parse(time, System.Globalization.CultureInfo.InvariantCulture)));

    [Property]
    public void Every_duration_has_a_text(long ticks) => Assert.NotEmpty(Units.Duration(new TimeSpan(ticks)));

    [Fact]
    public void The_longest_and_shortest_durations_have_a_text()
    {
        Assert.Equal("10675199 d 2 h", Units.Duration(TimeSpan.MaxValue));
        Assert.Equal("−10675199 d 2 h", Units.Duration(TimeSpan.MinValue));
    }
}

using System.Globalization;
using FsCheck.Xunit;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Billing;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Shell;

public sealed class EuroTextTests
{
    [Property]
    public void A_written_amount_is_parsed_to_the_same_amount(long micro, bool isShort)
    {
        var amount = new MicroEuro(long.Abs(micro % (isShort ? 10_000_000 : long.MaxValue)));
        Assert.True(EuroText.TryParse(amount.ToString(), out var read));
        Assert.Equal(amount, read);
    }

    [Property]
    public void A_parsed_amount_equals_the_text_exactly(decimal euros)
    {
        var text = euros.ToString(CultureInfo.InvariantCulture);
        if (EuroText.TryParse(text, out var amount))
        {
            Assert.Equal(euros, amount.Value / (decimal)MicroEuro.PerEuro);
        }
    }

    [Theory]
    [InlineData("0,30", 300_000)]
    [InlineData("25,5", 25_500_000)]
    [InlineData("0,300", 300_000)]
    [InlineData("1,2345", 1_234_500)]
    [InlineData("1,000001", 1_000_001)]
    public void A_decimal_comma_is_read_like_a_point(string text, long micro)
    {
        Assert.True(EuroText.TryParse(text, out var amount));
        Assert.Equal(micro, amount.Value);
    }

    [Theory]
    [InlineData("1.0000001")]
    [InlineData("1.00000000000000000000000000001")]
    [InlineData("0.99999999999999999999999999999")]
    [InlineData("9223372036855")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("1,000")]
    [InlineData("25,500")]
    [InlineData("1,000.50")]
    [InlineData("1.000,50")]
    [InlineData("1,2,3")]
    [InlineData(",5")]
    [InlineData("5,")]
    [InlineData("1 ")]
    [InlineData(" 1")]
    [InlineData("1e2")]
    [InlineData("١")]
    [InlineData("")]
    [InlineData(null)]
    public void Other_text_is_refused_and_never_rounded(string? text) => Assert.False(EuroText.TryParse(text, out _));
}

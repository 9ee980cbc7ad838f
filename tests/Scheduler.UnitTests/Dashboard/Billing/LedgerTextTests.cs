using System.Globalization;
using System.Text.RegularExpressions;
using FsCheck.Xunit;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Billing;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Billing;

public sealed class LedgerTextTests
{
    [Property]
    public void An_amount_that_matches_the_input_pattern_is_parsed_exactly(uint euros, uint micro, bool isWhole)
    {
        var (whole, rest) = (euros % 1_000_000_000, isWhole ? 0 : micro % 1_000_000);
        var text = isWhole
            ? whole.ToString(CultureInfo.InvariantCulture)
            : string.Create(CultureInfo.InvariantCulture, $"{whole}.{rest:000000}");
        Assert.Matches($"^(?:{EuroText.Pattern})$", text);
        Assert.True(EuroText.TryParse(text, out var amount));
        Assert.Equal((whole * MicroEuro.PerEuro) + rest, amount.Value);
    }

    [Property]
    public void The_ledger_shows_every_digit_of_an_amount(long micro)
    {
        var amount = new MicroEuro(micro);
        Assert.Equal(amount, Parse(EuroText.Exact(amount)));
        Assert.Equal(amount, Parse(EuroText.Signed(amount)));
        Assert.Equal(micro > 0, EuroText.Signed(amount).StartsWith('+'));
    }

    [Theory]
    [InlineData(20_000_000, "+20.00", "20.00")]
    [InlineData(-358, "−0.000358", "−0.000358")]
    [InlineData(0, "0.00", "0.00")]
    [InlineData(1_234_567_890_000, "+1,234,567.89", "1,234,567.89")]
    public void Credits_have_a_plus_sign_and_debits_a_minus_sign(long micro, string withSign, string exact)
    {
        Assert.Equal(withSign, EuroText.Signed(new MicroEuro(micro)));
        Assert.Equal(exact, EuroText.Exact(new MicroEuro(micro)));
    }

    private static MicroEuro Parse(string text) =>
        new(
            (long)(
                decimal.Parse(Regex.Replace(text, "[,+]", "").Replace('−', '-'), CultureInfo.InvariantCulture)
                * MicroEuro.PerEuro
            )
        );
}

using Scheduler.Dashboard.Billing;
using Scheduler.Domain.Billing;
using Scheduler.Grains.Instances;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Billing;

/// <summary>How long money lasts counts all that burns, on every page that shows it.</summary>
public sealed class LaunchMoneyTests
{
    [Fact]
    public async Task A_launch_preview_counts_what_already_runs()
    {
        var check = new BillingCheck
        {
            Balance = MicroEuro.FromEuros(50),
            Accrued = MicroEuro.FromEuros(2),
            Holds = MicroEuro.FromEuros(10),
            OtherBurnPerHour = MicroEuro.FromEuros(3),
        };

        var alone = await ShowAsync(check with { OtherBurnPerHour = MicroEuro.Zero }, price: 1);
        var together = await ShowAsync(check, price: 1);

        Assert.Contains(">2 d<", alone, StringComparison.Ordinal);
        Assert.Contains("nothing else runs", alone, StringComparison.Ordinal);
        Assert.Contains(">12 h<", together, StringComparison.Ordinal);
        Assert.Contains("with the 3.00 EUR/h of what else runs", together, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(48, 4, ">12 h<")]
    [InlineData(100_000, 1, "more than a year")]
    [InlineData(5, 0, "nothing is running")]
    [InlineData(0, 0, "no money")]
    [InlineData(-1, 1, "exhausted")]
    public async Task The_account_page_uses_the_same_rule(int money, int burn, string text) =>
        Assert.Contains(
            text,
            await Rendered.HtmlAsync<Runway>(
                (nameof(Runway.Money), MicroEuro.FromEuros(money)),
                (nameof(Runway.BurnPerHour), MicroEuro.FromEuros(burn))
            ),
            StringComparison.Ordinal
        );

    private static Task<string> ShowAsync(BillingCheck check, int price) =>
        Rendered.HtmlAsync<LaunchMoney>(
            (nameof(LaunchMoney.Check), check),
            (nameof(LaunchMoney.Price), (MicroEuro?)MicroEuro.FromEuros(price))
        );
}

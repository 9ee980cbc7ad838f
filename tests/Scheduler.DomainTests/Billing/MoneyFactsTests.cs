using System.Text.Json;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.DomainTests.Billing;

/// <summary>Amounts in the failures about money, and of money as JSON.</summary>
public sealed class MoneyFactsTests
{
    [Fact]
    public void The_top_up_of_a_refused_launch_is_what_is_missing()
    {
        var facts = Poor() with { Chosen = Make.Offer(price: 1.5m), Affordable = Make.Offer("other", price: 0.2m) };
        Assert.Equal(Make.Euros(0.9m), facts.Missing);

        var failure = FailureCatalogue.Describe(facts);
        Assert.Equal("600000", failure.Details["available_micro_eur"]);
        Assert.Equal("900000", failure.Details["top_up_micro_eur"]);
        Assert.Equal("1500000", failure.Details["offer_price_per_hour_micro_eur"]);
        Assert.Equal("200000", failure.Details["affordable_price_per_hour_micro_eur"]);
        Assert.Equal("other/eu-west/L40S", failure.Details["affordable_offer"]);
        Assert.DoesNotContain("suspended", failure.Details.Keys);
        Assert.Contains("has 0.60 EUR to spend", failure.Message, StringComparison.Ordinal);
        Assert.Contains("or set max_price_per_hour_micro_eur to 200000", failure.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_missing_where_the_money_suffices()
    {
        Assert.Equal(MicroEuro.Zero, (Poor() with { Balance = Make.Euros(9m) }).Missing);
        var failure = FailureCatalogue.Describe(Poor());
        Assert.DoesNotContain("offer", failure.Details.Keys);
        Assert.DoesNotContain("affordable_offer", failure.Details.Keys);
        Assert.Equal("Top up at least 0.90 EUR and start again.", failure.Hint);
    }

    [Fact]
    public void A_suspended_account_is_told_so()
    {
        var failure = FailureCatalogue.Describe(Poor() with { Suspended = true });
        Assert.Equal("true", failure.Details["suspended"]);
        Assert.Contains("is suspended", failure.Message, StringComparison.Ordinal);
        Assert.Contains("operator", failure.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-10_000, 1_210_000)]
    [InlineData(1_200_000, 0)]
    [InlineData(2_000_000, 0)]
    public void The_top_up_after_exhaustion_pays_the_next_launch(long balance, long topUp)
    {
        var facts = new BalanceExhaustedFacts(
            Make.Account(),
            new MicroEuro(balance),
            Make.Euros(1.2m),
            Make.Euros(1.2m)
        );
        var expected = topUp.ToString(System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(expected, FailureCatalogue.Describe(facts).Details["top_up_micro_eur"]);
    }

    [Fact]
    public void Money_is_stored_as_a_number_of_micro_euros()
    {
        Assert.Equal("-1290000", JsonSerializer.Serialize(new MicroEuro(-1_290_000)));
        Assert.Equal(new MicroEuro(7), JsonSerializer.Deserialize<MicroEuro>("7"));
    }

    [Fact]
    public void Amounts_compare_by_value()
    {
        var (less, more) = (new MicroEuro(-1), new MicroEuro(2));
        Assert.True(less < more && less <= more && more > less && more >= less);
        Assert.False(more < less || more <= less || less > more || less >= more);
        Assert.True(less <= new MicroEuro(-1) && less >= new MicroEuro(-1));
        Assert.False(less < new MicroEuro(-1) || less > new MicroEuro(-1));
        Assert.Equal(more, MicroEuro.Max(less, more));
        Assert.Equal(more, MicroEuro.Max(more, less));
        Assert.Equal(less, MicroEuro.Min(less, more));
        Assert.Equal(less, MicroEuro.Min(more, less));
        Assert.True(less.CompareTo(more) < 0);
        Assert.Equal(new MicroEuro(-2_000_000), -MicroEuro.FromEuros(2));
    }

    private static BelowMinimumFacts Poor() =>
        new(
            Make.Account(),
            Suspended: false,
            Make.Euros(1.2m),
            Make.Euros(0.4m),
            Make.Euros(0.2m),
            Make.Euros(1.5m),
            Chosen: null,
            Affordable: null
        );
}

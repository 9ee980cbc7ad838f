using FsCheck;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Placement;
using Xunit;

namespace Scheduler.DomainTests.Placement;

public sealed class NoMatchRuleTests
{
    [LongProperty(1000)]
    public void A_price_cap_never_changes_which_code_a_launch_without_match_gets(
        DoNotSize<int> seed,
        byte size,
        byte cap,
        byte more
    )
    {
        var catalogues = new Catalogues(seed.Item);
        var snapshot = OfferSnapshot.Build(catalogues.Offers(size / 8), 1);
        var request = catalogues.Request();

        var uncapped = CodeAt(null);
        var low = CodeAt(cap);
        var high = CodeAt(cap + more);

        // What price alone cures is SMART_NO_MATCH; what no price cures has the same code at every price.
        Assert.Equal(uncapped == FailureCode.None ? low : uncapped, low);
        Assert.True(uncapped != FailureCode.None || low is FailureCode.None or FailureCode.SmartNoMatch);
        Assert.True(high == low || (low == FailureCode.SmartNoMatch && high == FailureCode.None));

        FailureCode CodeAt(int? quarters)
        {
            MicroEuro? most = quarters is { } number ? new MicroEuro(number * 50_000L) : null;
            var capped = request with { Constraints = request.Constraints with { MaxPricePerHour = most } };
            var decision = PlacementSolver.Solve(snapshot, capped);
            return decision.Matched ? FailureCode.None
                : decision.NoShapeFits ? FailureCode.GpuIncompatible
                : FailureCode.SmartNoMatch;
        }
    }

    [Theory]
    [InlineData(false, false, false, false, FailureCode.SmartNoMatch)]
    [InlineData(true, false, false, false, FailureCode.GpuIncompatible)]
    [InlineData(true, false, true, false, FailureCode.GpuIncompatible)]
    [InlineData(true, true, true, false, FailureCode.GpuIncompatible)]
    [InlineData(true, true, false, false, FailureCode.SmartNoMatch)]
    [InlineData(true, true, true, true, FailureCode.SmartNoMatch)]
    public void The_code_depends_on_what_is_left_and_on_what_fits(
        bool anyOffer,
        bool anyFits,
        bool anyLeft,
        bool anyLeftFits,
        FailureCode code
    ) => Assert.Equal(code, NoMatchRule.CodeOf(anyOffer, anyFits, anyLeft, anyLeftFits));
}

using Scheduler.Domain.Billing;
using Scheduler.Domain.Services;
using Xunit;

namespace Scheduler.DomainTests.Services;

public sealed class ServiceCostsTests
{
    [Fact]
    public void Without_a_budget_any_number_is_affordable() =>
        Assert.Null(ServiceCosts.Affordable(null, [new MicroEuro(5)], new MicroEuro(1)));

    [Theory]
    [InlineData(10, new long[] { 4, 4 }, 1L, 4)]
    [InlineData(10, new long[] { 4, 7 }, 1L, 1)]
    [InlineData(10, new long[] { }, 3L, 3)]
    [InlineData(10, new long[] { 4 }, null, 1)]
    [InlineData(3, new long[] { 4 }, 1L, 0)]
    public void The_cheapest_present_replicas_count_first(long budget, long[] present, long? next, int expected) =>
        Assert.Equal(
            expected,
            ServiceCosts.Affordable(
                new MicroEuro(budget),
                present.Select(price => new MicroEuro(price)),
                next is { } price ? new MicroEuro(price) : null
            )
        );
}

using Scheduler.Dashboard.Instances;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Instances;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Instances;

public sealed class BurnRateTests
{
    [Theory]
    [InlineData(InstanceState.Running, "1.29 EUR/h</span>")]
    [InlineData(InstanceState.Starting, "once it runs")]
    [InlineData(InstanceState.Provisioning, "once it runs")]
    [InlineData(InstanceState.Failed, "Nothing is billed")]
    [InlineData(InstanceState.Stopping, "Nothing is billed")]
    [InlineData(InstanceState.Stopped, "Nothing is billed")]
    public async Task Only_a_running_instance_burns_money(InstanceState state, string text)
    {
        var record = new InstanceRecord
        {
            State = state,
            Intent = new AllocationIntent { PriceSnapshot = new MicroEuro(1_290_000) },
        };

        var html = await Rendered.HtmlAsync<BurnRate>((nameof(BurnRate.Instance), record));

        Assert.Contains(text, html, StringComparison.Ordinal);
        Assert.Equal(state.MayHoldAllocation(), html.Contains("1.29", StringComparison.Ordinal));
    }
}

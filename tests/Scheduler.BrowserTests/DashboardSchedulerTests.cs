using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.BrowserTests;

/// <summary>Precondition of the page tests: the scheduler contains the data that its fixture promises.</summary>
[Collection(DashboardGroup.Name)]
public sealed class DashboardSchedulerTests(DashboardScheduler scheduler)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_failure_code_has_a_failed_instance()
    {
        var client = new Instances.InstancesClient(scheduler.Process.Calls);
        Assert.Equal(Troubles.All.Keys.Append("BALANCE_EXHAUSTED").Order(), scheduler.Failed.Keys.Order());
        foreach (var (code, name) in scheduler.Failed)
        {
            var seen = await client.GetInstanceAsync(new GetInstanceRequest { Name = name }, cancellationToken: Ct);
            Assert.Equal((InstanceState.Failed, code), (seen.State, seen.Failure.Code));
        }
    }

    [Fact]
    public async Task One_destination_of_the_balancer_is_down_and_the_firewall_has_evaluations()
    {
        await scheduler.RouteAsync();
        var balancer = await new Balancers.BalancersClient(scheduler.Process.Calls).GetBalancerAsync(
            new GetBalancerRequest { Name = scheduler.Balancer },
            cancellationToken: Ct
        );
        Assert.Equal(
            [("chat", DestinationCondition.Healthy), ("runtime-exited", DestinationCondition.NotRunning)],
            balancer.Doors.Single().Destinations.Select(one => (one.ServingName, one.Condition)).Order()
        );
        var evaluations = await new Firewalls.FirewallsClient(scheduler.Process.Calls).ListEvaluationsAsync(
            new ListEvaluationsRequest { Parent = scheduler.Account },
            cancellationToken: Ct
        );
        Assert.Contains(evaluations.Evaluations, one => one.Decision == FirewallDecision.Pass);
        Assert.Contains(evaluations.Evaluations, one => one.FailureCode == "FIREWALL_BLOCKED");
    }
}

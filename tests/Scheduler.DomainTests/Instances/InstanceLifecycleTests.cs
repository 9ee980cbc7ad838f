using Scheduler.Domain.Instances;
using Scheduler.TestKit;
using Xunit;
using static Scheduler.Domain.Instances.InstanceState;
using static Scheduler.Domain.Instances.InstanceTrigger;

namespace Scheduler.DomainTests.Instances;

public sealed class InstanceLifecycleTests
{
    /// <summary>The state table of the specification, written independently of the code.</summary>
    private static readonly Dictionary<(InstanceState, InstanceTrigger), InstanceState> Specified = new()
    {
        [(Stopped, Start)] = Checking,
        [(Stopped, Delete)] = Deleted,
        [(Checking, OfferChosen)] = Provisioning,
        [(Checking, CheckFailed)] = Failed,
        [(Checking, NoCapacity)] = Waiting,
        [(Waiting, CapacityAppeared)] = Checking,
        [(Waiting, WaitEnded)] = Failed,
        [(Waiting, Stop)] = Stopping,
        [(Provisioning, NoCapacity)] = Waiting,
        [(Provisioning, Allocated)] = Starting,
        [(Provisioning, ProviderRejected)] = Failed,
        [(Provisioning, DeadlinePassed)] = Failed,
        [(Provisioning, Stop)] = Stopping,
        [(Starting, Ready)] = Running,
        [(Starting, RuntimeExited)] = Failed,
        [(Starting, DeadlinePassed)] = Failed,
        [(Starting, Preempted)] = Failed,
        [(Starting, Stop)] = Stopping,
        [(Running, RuntimeExited)] = Failed,
        [(Running, RuntimeUnhealthy)] = Failed,
        [(Running, Preempted)] = Failed,
        [(Running, BalanceExhausted)] = Failed,
        [(Running, Stop)] = Stopping,
        [(Stopping, Released)] = Stopped,
        [(Failed, Start)] = Checking,
        [(Failed, Stop)] = Stopping,
        [(Failed, Delete)] = Deleted,
        [(Failed, Released)] = Failed,
    };

    [Fact]
    public void INV_04_every_pair_of_state_and_trigger_is_as_specified()
    {
        foreach (var state in Enum.GetValues<InstanceState>())
        {
            foreach (var trigger in Enum.GetValues<InstanceTrigger>())
            {
                var isPermitted = InstanceLifecycle.TryNext(state, trigger, out var next);
                Assert.True(
                    isPermitted == Specified.TryGetValue((state, trigger), out var expected),
                    $"{trigger} in {state} is {(isPermitted ? "" : "not ")}permitted"
                );
                Assert.Equal(expected, next);
                Assert.Equal(isPermitted, InstanceLifecycle.AllowedIn(state).Contains(trigger));
            }
        }
    }

    [Fact]
    public void Each_state_property_holds_for_exactly_the_specified_states()
    {
        Assert.Equal(
            [Provisioning, Starting, Running],
            Enum.GetValues<InstanceState>().Where(state => state.MayHoldAllocation())
        );
        Assert.Equal([Running], Enum.GetValues<InstanceState>().Where(state => state.IsBilled()));
        Assert.Equal([Stopped, Failed], Enum.GetValues<InstanceState>().Where(state => state.MayChangeSpec()));
        Assert.Equal([Deleted], Enum.GetValues<InstanceState>().Where(state => !state.HoldsServingName()));
    }

    [Fact]
    public void The_README_shows_the_current_state_machine()
    {
        var readme = File.ReadAllText(Repository.Path("src", "Scheduler.Domain", "Instances", "README.md"));
        Assert.Contains(Normal(InstanceLifecycle.Diagram()), Normal(readme), StringComparison.Ordinal);
        foreach (var state in Enum.GetNames<InstanceState>())
        {
            Assert.Contains($"| `{state}` |", readme, StringComparison.Ordinal);
        }
    }

    private static string Normal(string text) => text.ReplaceLineEndings("\n").Trim();
}

using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.TestKit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>
/// The paths. Each ends with everything stopped, failed or deleted, and with no hold and no pending release.
/// </summary>
internal static class EveryStepPaths
{
    public static async Task WholeLifeAsync(EveryStepCase one)
    {
        await one.CreateAsync();
        await one.RunAsync();
        // Past a settlement, so that the run has two segments.
        await one.PassAsync(TimeSpan.FromSeconds(25));
        await one.StopAsync();
        await one.SettleAsync(InstanceState.Stopped);
        await one.DeleteAsync();

        // The name is free again, at the latest after the grace period of the claim, when its holder is checked.
        await one.PassAsync(TimeSpan.FromSeconds(61));
        await one.CreateInstanceAsync(new InstanceId($"{one.Id}next"));
    }

    public static async Task RefusedAsync(EveryStepCase one)
    {
        await one.CreateAsync();
        await one.StartAsync();
        await one.SettleAsync(InstanceState.Failed);
        await one.RunAsync();
        await one.StopAsync();
        await one.SettleAsync(InstanceState.Stopped);
    }

    public static async Task WaitedAsync(EveryStepCase one)
    {
        var onlyRoute = new SmartConstraints { Regions = ["eu-west"] };
        await one.CreateAsync(Make.Spec(onlyRoute) with { WaitForCapacity = TimeSpan.FromMinutes(30) });
        await one.RunAsync();
        await one.StopAsync();
        await one.SettleAsync(InstanceState.Stopped);
    }

    public static async Task StoppedEarlyAsync(EveryStepCase one)
    {
        await one.CreateAsync();
        await one.StartAsync();
        await one.StopAsync();
        await one.SettleAsync(InstanceState.Stopped);
    }

    public static async Task ReroutedAsync(EveryStepCase one)
    {
        await one.CreateAsync(Make.Spec() with { AutoReroute = true });
        await one.RunAsync();
        await one.PassAsync(TimeSpan.FromSeconds(5));
        Now(one, key => one.Scheduler.Cloud.Preempt(key));
        await one.UntilAsync(
            record => Task.FromResult(record.Run > 1 || record.State == InstanceState.Failed),
            "the instance reports the preemption"
        );
        await one.RunAsync();
        await one.StopAsync();
        await one.SettleAsync(InstanceState.Stopped);
    }

    public static async Task VanishedAsync(EveryStepCase one)
    {
        await one.CreateAsync();
        await one.RunAsync();
        Now(one, key => one.Scheduler.Cloud.Vanish(key));
        await one.SettleAsync(InstanceState.Failed);
    }

    public static async Task OrphanAsync(EveryStepCase one)
    {
        await one.CreateAsync();
        var key = new AllocationKey($"{one.Id}-r7-a1");
        one.Scheduler.Cloud.Plant(
            new Allocation
            {
                Key = key,
                Tag = new AllocationTag(one.Scheduler.Options.ClusterId, one.Id),
                ProviderAllocationId = "vm-planted",
                Status = AllocationStatus.Ready,
                CreatedAt = one.Scheduler.Clock.GetUtcNow(),
            }
        );
        await one.UntilAsync(
            _ => Task.FromResult(one.Scheduler.Cloud.Held.All(held => held.Key != key)),
            "the orphan is released"
        );
    }

    private static void Now(EveryStepCase one, Action<AllocationKey> befall)
    {
        foreach (var held in one.Scheduler.Cloud.Held.Where(held => held.Tag.Instance == one.Id).ToList())
        {
            befall(held.Key);
        }
    }
}

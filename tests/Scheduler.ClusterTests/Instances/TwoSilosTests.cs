using Scheduler.Domain.Instances;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

public sealed class TwoSilosTests
{
    [Fact]
    public async Task INV_03_new_silos_continue_the_work_of_two_killed_silos()
    {
        await using var scheduler = await TestScheduler.DeployAsync(_ => { }, silos: 2);
        var account = await scheduler.AccountAsync();
        scheduler.Cloud.Otherwise = AllocateAnswer.Hang;
        var ids = new List<Domain.Ids.InstanceId>();
        for (var i = 0; i < 8; i++)
        {
            ids.Add(await scheduler.CreateAsync(account));
        }

        foreach (var id in ids)
        {
            TestScheduler.Good(await scheduler.LaunchAsync(id));
        }

        await Eventually.TrueAsync(() => scheduler.Cloud.Asked.Length == ids.Count, "every launch is in progress");
        scheduler.Cloud.Otherwise = AllocateAnswer.Succeed;
        await scheduler.CrashAndRestartAsync();

        foreach (var id in ids)
        {
            await scheduler.UntilAsync(id, InstanceState.Running, TimeSpan.FromMilliseconds(200));
        }

        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task INV_03_launches_of_a_killed_silo_continue_before_their_deadline()
    {
        await using var scheduler = await TestScheduler.DeployAsync(_ => { }, silos: 2);
        var account = await scheduler.AccountAsync();
        scheduler.Cloud.Otherwise = AllocateAnswer.Late;
        var ids = new List<Domain.Ids.InstanceId>();
        for (var i = 0; i < 8; i++)
        {
            ids.Add(await scheduler.CreateAsync(account));
            TestScheduler.Good(await scheduler.LaunchAsync(ids[i]));
        }

        await Eventually.TrueAsync(() => scheduler.Cloud.Asked.Length == ids.Count, "every launch is in progress");
        var victim = scheduler.Cluster.Silos[1];
        scheduler.Cloud.Otherwise = AllocateAnswer.Succeed;
        await scheduler.Cluster.KillSiloAsync(victim, TestContext.Current.CancellationToken);

        // The calls of the other silo are answered; those of the victim must be repeated by a new activation.
        scheduler.Cloud.Asked.ToList().ForEach(scheduler.Cloud.DeliverLate);

        foreach (var id in ids)
        {
            await scheduler.UntilAsync(id, InstanceState.Running, TimeSpan.FromMilliseconds(100));
        }

        await scheduler.SoundAsync();
    }
}

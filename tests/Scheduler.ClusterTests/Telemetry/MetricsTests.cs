using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Telemetry;

public sealed class MetricsTests
{
    private const string Launches = "scheduler.launches";

    [Fact]
    public async Task A_successful_launch_is_counted_once_with_its_duration()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        using var metrics = new MetricRecorder(scheduler.Services);
        scheduler.Cloud.NextAllocate(AllocateAnswer.SucceedBooting);
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        await scheduler.LaunchAsync(id);
        var starting = await scheduler.UntilAsync(id, InstanceState.Starting);
        scheduler.Clock.Advance(TimeSpan.FromSeconds(7));
        scheduler.Cloud.BecomeReady(starting.Intent!.Key);
        await scheduler.UntilAsync(id, InstanceState.Running);

        Assert.Equal(1, metrics.Sum(Launches));
        Assert.Equal(1, metrics.Sum(Launches, ("outcome", "running"), ("code", "none"), ("provider", "cloud")));
        Assert.Equal(7, metrics.Sum("scheduler.launch.duration", ("provider", "cloud")));
        Assert.Equal(1, metrics.Count("scheduler.launch.check.duration", ("outcome", "passed")));
        Assert.Equal(1, metrics.Sum("scheduler.holds", ("outcome", "taken")));
        Assert.Equal(starting.Intent.Hold.Value, metrics.Sum("scheduler.holds.amount"));
        Assert.Equal(
            1,
            metrics.Count("scheduler.provider.call.duration", ("operation", "allocate"), ("outcome", "allocated"))
        );
        await Eventually.TrueAsync(
            () => metrics.Count("scheduler.allocation.duration", ("outcome", "allocated"), ("provider", "cloud")) == 1,
            "the provider's grain has recorded the allocation"
        );
        await Eventually.TrueAsync(() => metrics.Sum("scheduler.account.queue") == 0, "no command waits");
        Assert.True(metrics.Count("scheduler.account.batch") > 0);
    }

    [Fact]
    public async Task Other_launches_are_counted_by_their_outcome()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        using var metrics = new MetricRecorder(scheduler.Services);
        var account = await scheduler.AccountAsync();
        var refused = await scheduler.CreateAsync(
            account,
            Make.Spec(SmartConstraints.None with { MaxPricePerHour = Make.Euros(0.01m) })
        );
        await scheduler.LaunchAsync(refused);
        Assert.Equal(1, metrics.Sum(Launches, ("outcome", "failed"), ("code", "SMART_NO_MATCH"), ("provider", "none")));

        var rejected = await scheduler.CreateAsync(account);
        scheduler.Cloud.NextAllocate(AllocateAnswer.Reject(RejectionKind.Quota, "no"));
        await scheduler.LaunchAsync(rejected);
        await scheduler.SettledAsync(rejected, InstanceState.Failed);
        Assert.Equal(
            1,
            metrics.Sum(Launches, ("outcome", "failed"), ("code", "PROVIDER_REJECTED"), ("provider", "cloud"))
        );

        var stopped = await scheduler.CreateAsync(account);
        scheduler.Cloud.NextAllocate(AllocateAnswer.Hang);
        await scheduler.LaunchAsync(stopped);
        await scheduler.StopAsync(stopped);
        await scheduler.SettledAsync(stopped, InstanceState.Stopped);
        Assert.Equal(1, metrics.Sum(Launches, ("outcome", "stopped"), ("code", "none"), ("provider", "cloud")));
        Assert.Equal(3, metrics.Sum(Launches));
        Assert.Equal(0, metrics.Sum("scheduler.run.ends"));
    }

    [Fact]
    public async Task A_rerouted_failure_counts_as_a_reroute_and_not_as_a_failed_launch()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        using var metrics = new MetricRecorder(scheduler.Services);
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync(), Make.Spec() with { AutoReroute = true });
        scheduler.Cloud.NextAllocate(AllocateAnswer.Reject(RejectionKind.OutOfStock, "sold out"));
        await scheduler.LaunchAsync(id);
        var running = await scheduler.SettledAsync(id, InstanceState.Running);
        scheduler.Cloud.Preempt(running.Intent!.Key);
        await scheduler.UntilAsync(
            id,
            record => record is { State: InstanceState.Running, Run: 2 },
            "it runs again",
            TimeSpan.FromMilliseconds(500)
        );

        Assert.Equal(1, metrics.Sum("scheduler.reroutes", ("code", "PROVIDER_REJECTED"), ("provider", "cloud")));
        Assert.Equal(1, metrics.Sum("scheduler.reroutes", ("code", "PREEMPTED")));
        Assert.Equal(1, metrics.Sum("scheduler.run.ends", ("code", "PREEMPTED"), ("provider", "cloud")));
        Assert.Equal(2, metrics.Sum(Launches, ("outcome", "running")));
        Assert.Equal(2, metrics.Sum(Launches));
    }

    [Fact]
    public async Task A_stopped_run_a_failed_write_and_an_orphan_are_counted()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        using var metrics = new MetricRecorder(scheduler.Services);
        var account = await scheduler.AccountAsync();
        var running = await scheduler.RunningAsync(account);
        await scheduler.StopAsync(running.Id);
        await scheduler.SettledAsync(running.Id, InstanceState.Stopped);
        Assert.Equal(1, metrics.Sum("scheduler.run.ends", ("code", "none"), ("provider", "cloud")));
        Assert.Equal(
            1,
            metrics.Count("scheduler.provider.call.duration", ("operation", "release"), ("outcome", "released"))
        );
        Assert.True(metrics.Count("scheduler.storage.duration", ("operation", "write"), ("kind", "instance")) >= 4);

        var late = await scheduler.CreateAsync(account);
        scheduler.Cloud.NextAllocate(AllocateAnswer.Late);
        await scheduler.LaunchAsync(late);
        var key = (await scheduler.UntilAsync(late, InstanceState.Provisioning)).Intent!.Key;
        await scheduler.StopAsync(late);
        await scheduler.SettledAsync(late, InstanceState.Stopped);
        scheduler.Cloud.IsSilent = true;
        scheduler.Cloud.DeliverLate(key);
        await Eventually.TrueAsync(
            () => scheduler.Cloud.Held.IsEmpty && metrics.Sum("scheduler.sweep.findings", ("finding", "orphan")) >= 1,
            "the sweep releases the orphan",
            scheduler.Clock,
            TimeSpan.FromSeconds(5)
        );
        Assert.True(metrics.Sum("scheduler.sweeps", ("outcome", "ok"), ("provider", "cloud")) >= 1);
    }

    [Fact]
    public async Task Gauges_show_the_contents_of_the_store_and_the_offer_catalogue()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        using var metrics = new MetricRecorder(scheduler.Services);
        var account = await scheduler.AccountAsync();
        var running = await scheduler.RunningAsync(account);
        scheduler.Cloud.NextAllocate(AllocateAnswer.Hang);
        var waiting = await scheduler.CreateAsync(account);
        await scheduler.LaunchAsync(waiting);
        var hold = (await scheduler.UntilAsync(waiting, InstanceState.Provisioning)).Intent!.Hold;

        await Eventually.TrueAsync(
            () => metrics.Now("scheduler.burn") == running.Intent!.PriceSnapshot.Value,
            "the burn is read from the store",
            scheduler.Clock,
            TimeSpan.FromSeconds(1)
        );
        Assert.Equal(1, metrics.Now("scheduler.instances", ("state", "running")));
        Assert.Equal(1, metrics.Now("scheduler.instances", ("state", "provisioning")));
        // The hold of the launch, and what is left of the hold of the run.
        var most = hold.Value + running.Intent!.Hold.Value;
        Assert.InRange(metrics.Now("scheduler.held") ?? 0, hold.Value + 1, most);
        Assert.Equal(0, metrics.Now("scheduler.debtors"));
        Assert.Equal(1, metrics.Now("scheduler.cluster.silos"));
        Assert.Equal(2, metrics.Now("scheduler.catalogue.offers", ("provider", "cloud")));
        Assert.Equal(0, metrics.Now("scheduler.provider.breaker", ("provider", "cloud")));
        Assert.InRange(metrics.Now("scheduler.catalogue.age", ("provider", "cloud")) ?? -1, 0, 60);
    }

    [Fact]
    public async Task A_failing_release_shows_as_pending_cleanup_with_increasing_age()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        using var metrics = new MetricRecorder(scheduler.Services);
        var running = await scheduler.RunningAsync(await scheduler.AccountAsync());
        scheduler.Cloud.OtherwiseRelease = _ => ReleaseAnswer.Pending;
        await scheduler.StopAsync(running.Id);
        await scheduler.UntilAsync(running.Id, InstanceState.Stopping);

        await Eventually.TrueAsync(
            () => metrics.Now("scheduler.debtors") == 1 && metrics.Now("scheduler.debt.age") > 60,
            "the pending cleanup is measured",
            scheduler.Clock,
            TimeSpan.FromSeconds(5)
        );
    }

    [Fact]
    public async Task No_metric_label_contains_an_account_instance_key_or_request_INV_13()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s => s.AddProvider("cloud"), silos: 2);
        using var metrics = new MetricRecorder(scheduler.Services);
        var account = await scheduler.AccountAsync("secret");
        for (var i = 0; i < 6; i++)
        {
            var running = await scheduler.RunningAsync(account);
            await scheduler.StopAsync(running.Id);
            await scheduler.SettledAsync(running.Id, InstanceState.Stopped);
        }

        scheduler.Cloud.Otherwise = AllocateAnswer.Reject(RejectionKind.Quota, "req-quoted by the provider");
        await scheduler.LaunchAsync(await scheduler.CreateAsync(account));
        await scheduler.PassAsync(TimeSpan.FromSeconds(70), TimeSpan.FromSeconds(5));

        Assert.NotEmpty(metrics.All);
        string[] ids = ["acct-", "secret", "i-0", "req-", "sk-", "-r1-a1", "serve-", "payment"];
        Assert.All(
            metrics.All.SelectMany(seen => seen.Labels.Values.Select(value => (seen.Instrument, value))).Distinct(),
            label => Assert.DoesNotContain(ids, id => label.value.Contains(id, StringComparison.OrdinalIgnoreCase))
        );
        Assert.All(
            metrics.All.GroupBy(seen => (seen.Instrument, Labels: string.Join(',', seen.Labels.Keys.Order()))),
            series => Assert.True(series.Select(s => string.Join(',', s.Labels.Values)).Distinct().Count() <= 40)
        );
    }
}

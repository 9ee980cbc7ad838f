using Grpc.Core;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>A polite stop ends soon, with exit code 0, and the next start knows all that was acknowledged.</summary>
public sealed class ShutdownTests
{
    [Fact]
    public async Task Sigterm_ends_with_exit_code_0_soon_and_loses_nothing()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var scheduler = new SchedulerProcess(null, SchedulerProcess.ZeroDelay);
        await scheduler.StartAsync(ct);
        var door = Door.Of("grpc", scheduler);
        var account = (await door.CreateAccountAsync("acct-stop")).Ok.Name;
        _ = (await door.TopUpAsync(account, 50_000_000, "payment")).Ok;
        var names = new List<string>();
        for (var i = 0; i < 10; i++)
        {
            var created = (await door.CreateInstanceAsync(account, $"stop-{i}", Troubles.On(Troubles.Small))).Ok;
            names.Add(created.Name);
            _ = (await door.StartAsync(created.Name)).Ok;
        }

        var began = TimeProvider.System.GetTimestamp();
        var exitCode = await scheduler.StopAsync(ct);

        Assert.Equal(0, exitCode);
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(15));
        await scheduler.StartAsync(ct);
        door = Door.Of("http", scheduler);
        foreach (var name in names)
        {
            await door.UntilAsync(name, instance => instance.State == InstanceState.Running);
        }

        var kept = (await door.GetAccountAsync(account)).Ok;
        Assert.Equal(50_000_000, kept.BalanceMicroEur);
        Assert.Equal(names.Count, kept.RunningInstances);
    }

    [Fact]
    public async Task Readiness_goes_at_once_and_work_goes_on_until_the_doors_close()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var scheduler = new SchedulerProcess(
            null,
            [.. SchedulerProcess.ZeroDelay, "--Host:DrainFor=00:00:04"]
        );
        await scheduler.StartAsync(ct);
        var door = Door.Of("grpc", scheduler);
        var account = (await door.CreateAccountAsync("acct-drain")).Ok.Name;
        var made = (await door.CreateInstanceAsync(account, "drained", Troubles.On(Troubles.Small))).Ok;
        await Probe.UntilAsync([scheduler], "draining", isOk: true);
        using var watch = new Instances.InstancesClient(scheduler.Calls).WatchInstance(
            new WatchInstanceRequest { Name = made.Name },
            cancellationToken: ct
        );
        Assert.True(await watch.ResponseStream.MoveNext(ct));

        var stopped = scheduler.StopAsync(ct);

        var ended = await Assert.ThrowsAsync<RpcException>(() => watch.ResponseStream.MoveNext(ct));
        Assert.Equal(StatusCode.Unavailable, ended.StatusCode);
        Assert.Equal(503, await Probe.StatusAsync(scheduler));
        Assert.False((await Probe.CheckAsync(scheduler, "draining")).IsOk);
        Assert.Equal(200, await Probe.StatusAsync(scheduler, "/livez"));
        Assert.Equal(account, (await door.GetAccountAsync(account)).Ok.Name);
        Assert.Equal(0, await stopped);
        Assert.Null(await Probe.StatusAsync(scheduler));
    }
}

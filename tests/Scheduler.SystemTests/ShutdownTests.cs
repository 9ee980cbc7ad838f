using Grpc.Core;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>A graceful stop ends promptly with exit code 0, and the next start has all acknowledged data.</summary>
public sealed class ShutdownTests
{
    [Fact]
    public async Task SIGTERM_exits_with_code_0_promptly_and_loses_no_data()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var scheduler = new SchedulerProcess(null, SchedulerProcess.ZeroDelay);
        await scheduler.StartAsync(ct);
        var api = ApiClient.Of("grpc", scheduler);
        var account = (await api.CreateAccountAsync("acct-stop")).Ok.Name;
        _ = (await api.TopUpAsync(account, 50_000_000, "payment")).Ok;
        var names = new List<string>();
        for (var i = 0; i < 10; i++)
        {
            var created = (await api.CreateInstanceAsync(account, $"stop-{i}", Troubles.On(Troubles.Small))).Ok;
            names.Add(created.Name);
            _ = (await api.StartAsync(created.Name)).Ok;
        }

        var began = TimeProvider.System.GetTimestamp();
        var exitCode = await scheduler.StopAsync(ct);

        Assert.Equal(0, exitCode);
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(15));
        await scheduler.StartAsync(ct);
        api = ApiClient.Of("http", scheduler);
        foreach (var name in names)
        {
            await api.UntilAsync(name, instance => instance.State == InstanceState.Running);
        }

        var kept = (await api.GetAccountAsync(account)).Ok;
        Assert.Equal(50_000_000, kept.BalanceMicroEur);
        Assert.Equal(names.Count, kept.RunningInstances);
    }

    [Fact]
    public async Task Shutdown_ends_readiness_at_once_and_serves_until_the_listeners_close()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var scheduler = new SchedulerProcess(
            null,
            [.. SchedulerProcess.ZeroDelay, "--Host:DrainFor=00:00:04"]
        );
        await scheduler.StartAsync(ct);
        var api = ApiClient.Of("grpc", scheduler);
        var account = (await api.CreateAccountAsync("acct-drain")).Ok.Name;
        var made = (await api.CreateInstanceAsync(account, "drained", Troubles.On(Troubles.Small))).Ok;
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
        Assert.Equal(account, (await api.GetAccountAsync(account)).Ok.Name);
        Assert.Equal(0, await stopped);
        Assert.Null(await Probe.StatusAsync(scheduler));
    }
}

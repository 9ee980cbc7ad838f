using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Inference.Balancers;
using Xunit;
using static Scheduler.UnitTests.Inference.Balancers.PickerWorld;

namespace Scheduler.UnitTests.Inference.Balancers;

/// <summary>Active probes over real sockets, with a clock controlled by the test.</summary>
public sealed class ProbeTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static readonly BalancerSpec Pair = Group(GroupPolicy.WeightedRoundRobin, ("a", 1), ("b", 1)) with
    {
        Health = new HealthSettings
        {
            ProbeInterval = TimeSpan.FromSeconds(1),
            ProbeFailures = 2,
            ProbeSuccesses = 2,
            SlowReturn = TimeSpan.Zero,
        },
    };

    [Fact]
    public async Task Failed_probes_eject_a_destination_and_successful_probes_bring_it_back()
    {
        var status = 200;
        await using var well = await RuntimeAsync(_ => 200);
        await using var ill = await RuntimeAsync(_ => Volatile.Read(ref status));
        await using var world = new PickerWorld(Pair);
        world.Put("a", endpoint: AddressOf(ill));
        world.Put("b", endpoint: AddressOf(well));
        Assert.Equal(5, (await world.SendAsync(10)).Count(name => name is "a"));

        Volatile.Write(ref status, 500);
        await world.UntilAsync(() => Seen(world, "a") == DestinationCondition.ProbeFailed, "the probes have failed");
        Assert.All(await world.SendAsync(10), name => Assert.Equal("b", name));

        world.Put("b", InstanceState.Stopped);
        var refusal = (await world.AskAsync()).Refusal!;
        Assert.Equal(FailureCode.NoHealthyDestination, refusal.Code);
        Assert.Equal("its probe fails: it answers with the status 500", refusal.Details["destination.a"]);

        Volatile.Write(ref status, 200);
        await world.UntilAsync(() => Seen(world, "a") == DestinationCondition.Healthy, "the probes succeed again");
        Assert.All(await world.SendAsync(10), name => Assert.Equal("a", name));
    }

    [Fact]
    public async Task A_runtime_without_a_health_path_is_probed_at_its_models_path()
    {
        var asked = new List<string>();
        await using var runtime = await RuntimeAsync(path =>
        {
            lock (asked)
            {
                asked.Add(path);
            }

            return path == "/base/v1/models" ? 200 : 404;
        });
        await using var world = new PickerWorld(Pair);
        world.Put("a", endpoint: AddressOf(runtime));
        await world.SendAsync(1);
        await world.UntilAsync(() => asked.Count >= 8, "the runtime is probed a few times");

        Assert.Equal(["/base/health", "/base/v1/models"], asked.Distinct());
        Assert.Equal(["a"], (await world.SendAsync(3)).Distinct());
    }

    [Fact]
    public async Task Failed_probes_eject_a_destination_without_traffic()
    {
        var asked = 0;
        var closed = await RuntimeAsync(_ => 200);
        var nowhere = AddressOf(closed);
        await closed.DisposeAsync();
        await using var idle = await RuntimeAsync(_ => Interlocked.Increment(ref asked) > 0 ? 200 : 500);
        await using var world = new PickerWorld(Pair);
        world.Put("a", endpoint: nowhere);
        world.Put("b", InstanceState.Stopped, endpoint: AddressOf(idle));
        await world.SendAsync(1);
        await world.UntilAsync(() => Seen(world, "a") == DestinationCondition.ProbeFailed, "its probes have failed");

        Assert.Equal(
            "its probe fails: it cannot be connected to",
            (await world.AskAsync()).Refusal!.Details["destination.a"]
        );
        Assert.Equal(0, asked);
    }

    [Fact]
    public async Task An_unused_balancer_is_not_probed_after_a_while()
    {
        var asked = 0;
        await using var runtime = await RuntimeAsync(_ => Interlocked.Increment(ref asked) > 0 ? 200 : 500);
        await using var world = new PickerWorld(Pair);
        world.Put("a", endpoint: AddressOf(runtime));
        await world.SendAsync(1);
        await world.UntilAsync(() => Volatile.Read(ref asked) > 3, "it is probed");

        world.Clock.Advance(BalancerStates.ProbedFor);
        await Task.Delay(100, Ct);
        var then = Volatile.Read(ref asked);
        for (var i = 0; i < 50; i++)
        {
            world.Clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(2, Ct);
        }

        // One probe may have been in progress.
        Assert.InRange(Volatile.Read(ref asked), then, then + 1);
        await world.SendAsync(1);
        await world.UntilAsync(() => Volatile.Read(ref asked) > then + 1, "it is probed again once it is used");
    }

    private static DestinationCondition? Seen(PickerWorld world, string name)
    {
        lock (world.Grain.Reports)
        {
            return world.Grain.Reports.LastOrDefault()?.Destinations.Single(d => d.ServingName == name).Condition;
        }
    }

    private static async Task<WebApplication> RuntimeAsync(Func<string, int> statusOf)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.Run(http =>
        {
            http.Response.StatusCode = statusOf(http.Request.Path);
            return Task.CompletedTask;
        });
        await app.StartAsync(Ct);
        return app;
    }

    private static Uri AddressOf(WebApplication app) => new(app.Urls.First() + "/base/");
}

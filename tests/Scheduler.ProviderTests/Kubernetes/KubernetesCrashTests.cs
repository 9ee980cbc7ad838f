using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ProviderTests.Kubernetes;

/// <summary>
/// The connection to the API server breaks after a number of bytes of an allocation, and another scheduler continues. One key never
/// makes two pods, and a release leaves neither pod nor secret (INV-01, INV-02).
/// </summary>
public sealed class KubernetesCrashTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public Task A_break_makes_no_second_pod() => BreakEveryAsync(bytes: 997);

    [Fact(Explicit = true)]
    public Task A_break_at_many_bytes_makes_no_second_pod() => BreakEveryAsync(bytes: 7);

    private static async Task BreakEveryAsync(int bytes)
    {
        await using var world = await KubernetesWorld.StartAsync(Ct);
        var whole = await LiveAsync(world, "i-whole-r1-a1", long.MaxValue);
        Assert.InRange(whole, 5_000, 60_000);
        for (long cut = 0; cut < whole; cut += bytes)
        {
            await LiveAsync(world, $"i-cut{cut}-r1-a1", cut);
        }
    }

    /// <returns>Bytes that went over the connection.</returns>
    private static async Task<long> LiveAsync(KubernetesWorld world, string key, long cut)
    {
        await using var way = new CutProxy(world.Address, cut);
        var request = KubernetesWorld.Request(key, "never-ready");
        using (var first = world.Open(options => options.KubeConfig = world.WriteAccess(way.Address)))
        {
            await Record.ExceptionAsync(() => first.AllocateAsync(request, Ct));
        }

        using var second = world.Open();
        var outcome = await second.AllocateAsync(request, Ct);
        Assert.True(outcome.IsAllocated, $"cut {cut}: {outcome.Rejection}");
        var pods = world.Server.All("pods");
        Assert.True(pods.Count == 1, $"cut {cut}: {pods.Count} pods");

        await Eventually.UntilAsync(
            () => second.ReleaseAsync(request.Key, Ct),
            ended => ended == ReleaseOutcome.Released,
            $"{key} is released"
        );
        Assert.Null(await second.FindAsync(new AllocationKey(key), Ct));
        Assert.Empty(world.Server.All("pods"));
        Assert.Empty(world.Server.All("secrets"));
        return way.Passed;
    }
}

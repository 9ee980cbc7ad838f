using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Providers;
using Scheduler.Providers.Lambda;
using Scheduler.ProviderTests.Http;
using Scheduler.VendorServers.Lambda;
using Xunit;

namespace Scheduler.ProviderTests.Lambda;

/// <summary>
/// The launch exchange breaks after any number of bytes, and the scheduler dies or lives. One key never makes two machines, and no
/// machine is left behind (INV-01, INV-02).
/// </summary>
public sealed class LambdaCrashTests : IDisposable
{
    /// <summary>Lives at once: most of their time they wait for the clock.</summary>
    private const int AtOnce = 400;

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.Zero));
    private readonly LambdaWorld _world;

    public LambdaCrashTests()
    {
        _world = new LambdaWorld(_clock);
        // The clock runs much faster than this machine, which may be busy.
        _world.Options.SendWithin = TimeSpan.FromHours(1);
        _world.Options.CreateTimeout = TimeSpan.FromSeconds(1);
        _world.Options.Settle = TimeSpan.FromSeconds(1);
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_break_at_any_byte_makes_no_second_machine_and_leaves_none(bool isKilled)
    {
        var whole = new InMemoryVendor(new LambdaCloud(_clock) { CallEvery = TimeSpan.Zero })
        {
            CutWhen = IsCreate,
            CutAt = int.MaxValue,
        };
        await EndOf(_world.Open(whole).AllocateAsync(LambdaWorld.Request("i-whole-r1-a1"), Ct));
        Assert.InRange(whole.ExchangeBytes, 1000, 10_000);

        // Every byte of the answer, and some of the request, most of which is the boot script.
        var all = Enumerable.Range(0, whole.ExchangeBytes).Where(at => at >= whole.RequestBytes - 20 || at % 16 == 0);
        foreach (var cuts in all.Chunk(AtOnce))
        {
            await EndOf(Task.WhenAll(cuts.Select(cut => LiveAsync(cut, isKilled))));
        }
    }

    private static bool IsCreate(HttpRequestMessage call) =>
        call.RequestUri!.AbsolutePath.EndsWith("/launch", StringComparison.Ordinal);

    /// <summary>Asks, asks again after a restart if the process died, and releases.</summary>
    private async Task LiveAsync(int cut, bool isKilled)
    {
        var cloud = new LambdaCloud(_clock) { CallEvery = TimeSpan.Zero };
        var vendor = new InMemoryVendor(cloud)
        {
            CutWhen = IsCreate,
            CutAt = cut,
            CutsOnce = true,
        };
        var request = LambdaWorld.Request($"i-cut{cut}-r1-a1");
        var provider = _world.Open(vendor);
        var call = provider.AllocateAsync(request, Ct);
        if (isKilled)
        {
            while (!call.IsCompleted && !vendor.WasCut)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Ct);
            }

            provider.Dispose();
            await Record.ExceptionAsync(() => call);
            provider = _world.Open(vendor);
            call = provider.AllocateAsync(request, Ct);
        }

        var outcome = await call;
        Assert.True(cloud.Made == (outcome.IsAllocated ? 1 : 0), $"cut {cut}: {cloud.Made} machines, {outcome}");
        // A scheduler that lives gives the launch to another route. One that was killed asks again.
        Assert.True(outcome.IsAllocated || !isKilled, $"cut {cut}: {outcome}");
        await ReleaseAsync(provider, request);
        Assert.True(cloud.Machines.Count == 0, $"cut {cut}: a machine is left");
        provider.Dispose();
    }

    private async Task ReleaseAsync(LambdaProvider provider, AllocationRequest request)
    {
        while (await provider.ReleaseAsync(request.Key, Ct) != ReleaseOutcome.Released)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), _clock, Ct);
        }
    }

    private async Task EndOf(Task task)
    {
        for (var i = 0; !task.IsCompleted; i++)
        {
            Assert.True(i < 20_000, "It never ended.");
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Ct);
            _clock.Advance(TimeSpan.FromMilliseconds(100));
        }

        await task;
    }
}

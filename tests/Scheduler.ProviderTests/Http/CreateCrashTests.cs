using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Providers;
using Scheduler.Providers.Http;
using Scheduler.VendorServers;
using Xunit;

namespace Scheduler.ProviderTests.Http;

/// <summary>
/// The create exchange breaks after every number of bytes, and the scheduler dies or lives. One key never makes two allocations, and
/// none is left behind (INV-01, INV-02). The tests of each vendor without an idempotency key inherit it.
/// </summary>
public abstract class CreateCrashTests<TCloud> : IDisposable
    where TCloud : IVendorCloud
{
    /// <summary>Lives at once: most of their time they wait for the clock.</summary>
    private const int AtOnce = 400;

    private protected FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.Zero));

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Least bytes of a whole exchange; fewer mean that another call was cut.</summary>
    private protected abstract int LeastExchange { get; }

    private protected abstract TCloud NewCloud();

    /// <summary>How many allocations the vendor ever made, and how many it has now.</summary>
    private protected abstract (int Made, int Left) Count(TCloud cloud);

    private protected abstract bool IsCreate(HttpRequestMessage call);

    private protected abstract IProvider Open(InMemoryVendor vendor);

    private protected abstract AllocationRequest Request(string key);

    /// <summary>Whether the exchange is broken at a byte; a long one need not be at every byte.</summary>
    private protected virtual bool IsTried(InMemoryVendor whole, int at) => true;

    public abstract void Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_break_at_any_byte_makes_no_second_and_leaves_none(bool isKilled)
    {
        var whole = new InMemoryVendor(NewCloud()) { CutWhen = IsCreate, CutAt = int.MaxValue };
        await EndOf(Open(whole).AllocateAsync(Request("i-whole-r1-a1"), Ct));
        Assert.InRange(whole.ExchangeBytes, LeastExchange, 10_000);

        var all = Enumerable.Range(0, whole.ExchangeBytes).Where(at => IsTried(whole, at));
        foreach (var cuts in all.Chunk(AtOnce))
        {
            await EndOf(Task.WhenAll(cuts.Select(cut => LiveAsync(cut, isKilled))));
        }
    }

    private protected static void Hasten(VendorOptions options)
    {
        // The clock runs much faster than this machine, which may be busy.
        options.SendWithin = TimeSpan.FromHours(1);
        options.CreateTimeout = TimeSpan.FromSeconds(1);
        options.Settle = TimeSpan.FromSeconds(1);
    }

    /// <summary>Asks, asks again after a restart if the process died, and releases.</summary>
    private async Task LiveAsync(int cut, bool isKilled)
    {
        var cloud = NewCloud();
        var vendor = new InMemoryVendor(cloud)
        {
            CutWhen = IsCreate,
            CutAt = cut,
            CutsOnce = true,
        };
        var request = Request($"i-cut{cut}-r1-a1");
        var provider = Open(vendor);
        var call = provider.AllocateAsync(request, Ct);
        if (isKilled)
        {
            while (!call.IsCompleted && !vendor.WasCut)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Ct);
            }

            ((IDisposable)provider).Dispose();
            await Record.ExceptionAsync(() => call);
            provider = Open(vendor);
            call = provider.AllocateAsync(request, Ct);
        }

        var outcome = await call;
        var made = Count(cloud).Made;
        Assert.True(made == (outcome.IsAllocated ? 1 : 0), $"cut {cut}: {made} made, {outcome}");
        // A scheduler that lives gives the launch to another route. One that was killed asks again.
        Assert.True(outcome.IsAllocated || !isKilled, $"cut {cut}: {outcome}");
        await ReleaseAsync(provider, request);
        Assert.True(Count(cloud).Left == 0, $"cut {cut}: one is left");
        ((IDisposable)provider).Dispose();
    }

    private async Task ReleaseAsync(IProvider provider, AllocationRequest request)
    {
        while (await provider.ReleaseAsync(request.Key, Ct) != ReleaseOutcome.Released)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), Clock, Ct);
        }
    }

    private async Task EndOf(Task task)
    {
        for (var i = 0; !task.IsCompleted; i++)
        {
            Assert.True(i < 20_000, "It never ended.");
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Ct);
            Clock.Advance(TimeSpan.FromMilliseconds(100));
        }

        await task;
    }
}

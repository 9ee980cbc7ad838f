using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Providers;
using Scheduler.Providers.Simulated;
using Xunit;
using static Scheduler.ProviderTests.Simulated.SmallMarket;

namespace Scheduler.ProviderTests.Simulated;

/// <summary>
/// The state file of the simulated cloud after a killed scheduler, with a partial write and with a second process.
/// </summary>
public sealed class SimulatedJournalTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("simulated-journal-");
    private readonly FakeTimeProvider _clock = new();
    private readonly List<SimulatedMarket> _open = [];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string StatePath => Path.Combine(_folder.FullName, "cloud.jsonl");

    public void Dispose()
    {
        _open.ForEach(market => market.Dispose());
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_pending_request_takes_effect_after_a_scheduler_restart()
    {
        var dead = Open(new SimulatedOptions { AllocateLatency = TimeSpan.FromMinutes(1) });
        _ = dead.Provider("sim-lambda").AllocateAsync(Request("k1"), Ct);

        var alive = Open().Provider("sim-lambda");
        Assert.Null(await alive.FindAsync(new("k1"), Ct));
        _clock.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(AllocationStatus.Ready, (await alive.FindAsync(new("k1"), Ct))?.Status);
    }

    [Fact]
    public async Task Two_processes_share_one_cloud()
    {
        var a = Open(new SimulatedOptions { CapacityPerOffer = 1 }).Provider("sim-lambda");
        var b = Open(new SimulatedOptions { CapacityPerOffer = 1 }).Provider("sim-lambda");

        var first = await a.AllocateAsync(Request("k1"), Ct);
        var same = await b.AllocateAsync(Request("k1"), Ct);
        var other = await b.AllocateAsync(Request("k2"), Ct);

        Assert.Equal(first.Allocation, same.Allocation);
        Assert.Equal(RejectionKind.OutOfStock, other.Rejection?.Kind);
        await b.ReleaseAsync(new("k1"), Ct);
        Assert.Null(await a.FindAsync(new("k1"), Ct));
        Assert.True((await a.AllocateAsync(Request("k3"), Ct)).IsAllocated);
    }

    [Fact]
    public async Task Concurrent_writers_lose_no_allocation()
    {
        var providers = Enumerable
            .Range(0, 4)
            .Select(_ => Open(new SimulatedOptions { CapacityPerOffer = 10_000 }).Provider("sim-lambda"))
            .ToList();

        await Task.WhenAll(
            providers.SelectMany(
                (provider, p) =>
                    Enumerable
                        .Range(0, 4)
                        .Select(t =>
                            Task.Run(
                                async () =>
                                {
                                    for (var i = 0; i < 100; i++)
                                    {
                                        await provider.AllocateAsync(Request($"k-{p % 2}-{t}-{i}"), Ct);
                                    }
                                },
                                Ct
                            )
                        )
            )
        );

        foreach (var provider in providers.Append(Open().Provider("sim-lambda")))
        {
            Assert.Equal(800, (await provider.ListAllocationsAsync(Cluster, Ct)).Count);
        }
    }

    [Fact]
    public async Task A_partial_last_line_is_removed_and_complete_lines_are_kept()
    {
        await Open().Provider("sim-lambda").AllocateAsync(Request("k1"), Ct);
        CloseAll();
        await File.AppendAllTextAsync(StatePath, "{\"Key\":\"torn", Ct);

        var provider = Open().Provider("sim-lambda");
        await provider.AllocateAsync(Request("k2"), Ct);
        CloseAll();

        var left = await Open().Provider("sim-lambda").ListAllocationsAsync(Cluster, Ct);
        Assert.Equal(["k1", "k2"], left.Select(allocation => allocation.Key.Value).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task INV_14_an_unreadable_line_stops_the_start_and_is_not_overwritten()
    {
        await Open().Provider("sim-lambda").AllocateAsync(Request("k1"), Ct);
        CloseAll();
        await File.AppendAllTextAsync(StatePath, "not a record\n", Ct);
        var before = await File.ReadAllTextAsync(StatePath, Ct);

        var error = Assert.Throws<InvalidDataException>(() => Open());

        Assert.Contains("line 2", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllTextAsync(StatePath, Ct));
    }

    [Fact]
    public async Task The_next_start_drops_history_and_keeps_live_allocations()
    {
        var market = Open(new SimulatedOptions { CapacityPerOffer = 10_000 });
        await market.Provider("sim-lambda").AllocateAsync(Request("k1"), Ct);
        for (var i = 0; i < 6_000; i++)
        {
            market.MakeUnhealthy(new("k1"));
        }

        CloseAll();
        Assert.True(new FileInfo(StatePath).Length > 1 << 20);
        var left = await Open().Provider("sim-lambda").ListAllocationsAsync(Cluster, Ct);

        Assert.Equal(AllocationStatus.Unhealthy, Assert.Single(left).Status);
        Assert.True(new FileInfo(StatePath).Length < 4096);
    }

    [Fact]
    public async Task Endpoints_survive_a_restart_and_a_second_process_gets_its_own_port()
    {
        var first = await ServeAsync();
        var port = _open[^1].RuntimeBase.Port;
        var second = await ServeAsync();
        var otherPort = _open[^1].RuntimeBase.Port;
        await first.StoppedAsync(Ct);
        await second.StoppedAsync(Ct);

        var restarted = await ServeAsync();
        var portAgain = _open[^1].RuntimeBase.Port;
        await restarted.StoppedAsync(Ct);

        Assert.NotEqual(port, otherPort);
        Assert.Equal(port, portAgain);

        async Task<StandInRuntime> ServeAsync()
        {
            var runtime = new StandInRuntime(Open(), NullLogger<StandInRuntime>.Instance);
            await runtime.StartingAsync(Ct);
            return runtime;
        }
    }

    private SimulatedMarket Open(SimulatedOptions? options = null)
    {
        options ??= new SimulatedOptions();
        options.StatePath = StatePath;
        var market = Market(_clock, options);
        _open.Add(market);
        return market;
    }

    private void CloseAll()
    {
        _open.ForEach(market => market.Dispose());
        _open.Clear();
    }
}

using Scheduler.Domain.Providers;
using Scheduler.Providers.Docker;
using Xunit;

namespace Scheduler.ProviderTests.Docker;

/// <summary>Two silos on one host: an engine reserves no GPU, so the adapters must agree.</summary>
public sealed class DockerClaimTests : IAsyncLifetime
{
    private DockerHost _host = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _host = await DockerHost.StartAsync();
        _host.Host.Gpus = [new DockerGpuOptions { Type = "RTX4090", Count = 1 }];
        // The image is pulled before the races.
        await AllocateAsync("i-warm-r1-a1");
        await _host.Open().ReleaseAsync(new("i-warm-r1-a1"), Ct);
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Of_two_silos_that_choose_one_GPU_at_once_exactly_one_has_it()
    {
        // Both have created their container before either learns that it did.
        var both = new Barrier(2);
        _host.Quirks.AfterCreate = _ => Task.Run(() => both.SignalAndWait(TimeSpan.FromSeconds(5), Ct), Ct);

        var outcomes = await Task.WhenAll(AllocateAsync("i-a-r1-a1"), AllocateAsync("i-b-r1-a1"));

        Assert.Single(outcomes, outcome => outcome.IsAllocated);
        Assert.Single(outcomes, outcome => outcome.Rejection?.Kind == RejectionKind.OutOfStock);
        Assert.Equal(1, _host.Server.MostUsersOfOneGpu);
        Assert.Single(await _host.Open().ListAllocationsAsync("cluster-a", Ct));
    }

    [Fact]
    public async Task Many_silos_never_share_a_GPU_and_none_stays_without_an_owner()
    {
        _host.Host.Gpus = [new DockerGpuOptions { Type = "RTX4090", Count = 3 }];

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 12).Select(silo => AllocateAsync($"i-s{silo}-r1-a1")));

        Assert.Equal(1, _host.Server.MostUsersOfOneGpu);
        var held = await _host.Open().ListAllocationsAsync("cluster-a", Ct);
        Assert.Equal(outcomes.Count(outcome => outcome.IsAllocated), held.Count);
        Assert.InRange(held.Count, 1, 3);
    }

    [Fact]
    public async Task A_container_that_a_dead_silo_never_started_gives_way_to_no_other_but_its_key_continues_it()
    {
        _host.Quirks.LostCreates = 1;
        await Assert.ThrowsAsync<HttpRequestException>(() => AllocateAsync("i-dead-r1-a1"));

        var other = await AllocateAsync("i-live-r1-a1");
        var again = await AllocateAsync("i-dead-r1-a1");

        Assert.Equal(RejectionKind.OutOfStock, other.Rejection?.Kind);
        Assert.True(again.IsAllocated);
    }

    [Fact]
    public async Task A_key_asked_for_by_two_silos_at_once_is_one_container()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => AllocateAsync("i-same-r1-a1")));

        Assert.All(outcomes, outcome => Assert.True(outcome.IsAllocated, outcome.Rejection?.ProviderWords));
        Assert.Single(outcomes.Select(outcome => outcome.Allocation!.ProviderAllocationId).Distinct());
        Assert.Equal(1, _host.Server.MostUsersOfOneGpu);
    }

    /// <summary>Each call is a silo of its own.</summary>
    private Task<AllocateOutcome> AllocateAsync(string key)
    {
        var silo = _host.Open();
        return Task.Run(() => silo.AllocateAsync(DockerHost.Request(key), Ct), Ct);
    }
}

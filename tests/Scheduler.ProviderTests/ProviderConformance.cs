using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ProviderTests;

/// <summary>The contract of <see cref="IProvider"/>. The tests of each adapter inherit it.</summary>
public abstract class ProviderConformance : IAsyncLifetime
{
    protected const string Cluster = "cluster-a";

    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    private IProvider _provider = null!;
    private readonly List<IProvider> _opened = [];

    /// <summary>
    /// Opens an adapter over the same external state: the first one, or the one after a restart of the scheduler.
    /// </summary>
    protected abstract IProvider Open();

    /// <summary>What the provider can tell. The contract permits less than everything.</summary>
    protected virtual ProviderAbilities Abilities { get; } = new();

    protected abstract AllocationRequest Request(string key, RuntimeBehaviour behaviour, string cluster = Cluster);

    public ValueTask InitializeAsync()
    {
        _provider = Reopen();
        return ValueTask.CompletedTask;
    }

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var cluster in new[] { Cluster, "cluster-b" })
        {
            foreach (var left in await _provider.ListAllocationsAsync(cluster, CancellationToken.None))
            {
                await ReleaseAsync(left.Key);
            }
        }

        foreach (var provider in _opened.OfType<IDisposable>())
        {
            provider.Dispose();
        }
    }

    [Fact]
    public async Task Offers_are_valid_and_have_unique_ids()
    {
        var listing = await _provider.ListOffersAsync(Ct);

        Assert.NotEmpty(listing.Offers);
        Assert.Equal(listing.Offers.Length, listing.Offers.Select(o => o.OfferId).Distinct().Count());
        Assert.All(
            listing.Offers,
            offer =>
            {
                Assert.Equal(_provider.Id, offer.Provider);
                Assert.True(offer.GpuCount >= 1 && offer.Available >= 0 && offer.PricePerHour.Value >= 0);
                Assert.NotEmpty(offer.Region);
                Assert.NotEmpty(offer.GpuType);
            }
        );
    }

    [Fact]
    public async Task An_allocation_becomes_ready_with_an_endpoint()
    {
        var request = Request("i-serve-r1-a1", RuntimeBehaviour.Serves);

        var outcome = await _provider.AllocateAsync(request, Ct);
        Assert.True(outcome.IsAllocated, outcome.Rejection?.ProviderWords);
        Assert.Equal(request.Key, outcome.Allocation.Key);
        Assert.Equal(request.Tag, outcome.Allocation.Tag);
        Assert.NotEmpty(outcome.Allocation.ProviderAllocationId);

        var ready = await BecomesAsync(request.Key, AllocationStatus.Ready);
        Assert.NotNull(ready.Endpoint);
        Assert.EndsWith("/", ready.Endpoint.AbsolutePath);
        Assert.Null(ready.Exit);
    }

    [Fact]
    public async Task Two_requests_with_the_same_key_give_one_allocation()
    {
        var request = Request("i-twice-r1-a1", RuntimeBehaviour.Serves);

        var first = await _provider.AllocateAsync(request, Ct);
        var second = await _provider.AllocateAsync(request, Ct);

        Assert.True(first.IsAllocated && second.IsAllocated);
        Assert.Equal(first.Allocation.ProviderAllocationId, second.Allocation.ProviderAllocationId);
        Assert.Equal(first.Allocation.CreatedAt, second.Allocation.CreatedAt);
        Assert.Single(await _provider.ListAllocationsAsync(Cluster, Ct));
    }

    [Fact]
    public async Task Concurrent_requests_with_one_key_give_one_allocation()
    {
        var request = Request("i-crowd-r1-a1", RuntimeBehaviour.Serves);
        var before = await AvailableAsync(request.Offer);

        var outcomes = await Task.WhenAll(
            Enumerable.Range(0, 16).Select(_ => Task.Run(() => _provider.AllocateAsync(request, Ct), Ct))
        );

        Assert.All(outcomes, outcome => Assert.True(outcome.IsAllocated, outcome.Rejection?.ProviderWords));
        Assert.Single(outcomes.Select(outcome => outcome.Allocation!.CreatedAt).Distinct());
        Assert.Single(await _provider.ListAllocationsAsync(Cluster, Ct));
        if (Abilities.CountsStock)
        {
            Assert.Equal(before - 1, await AvailableAsync(request.Offer));
        }
    }

    [Fact]
    public async Task The_list_contains_only_the_requested_cluster_with_tags()
    {
        await _provider.AllocateAsync(Request("i-a-r1-a1", RuntimeBehaviour.Serves), Ct);
        await _provider.AllocateAsync(Request("i-b-r1-a1", RuntimeBehaviour.Serves, "cluster-b"), Ct);

        var ours = Assert.Single(await _provider.ListAllocationsAsync(Cluster, Ct));
        var theirs = Assert.Single(await _provider.ListAllocationsAsync("cluster-b", Ct));

        Assert.Equal(new AllocationTag(Cluster, InstanceOf("i-a-r1-a1")), ours.Tag);
        Assert.Equal(new AllocationTag("cluster-b", InstanceOf("i-b-r1-a1")), theirs.Tag);
        Assert.Empty(await _provider.ListAllocationsAsync("cluster-c", Ct));
    }

    [Fact]
    public async Task Release_frees_the_capacity_and_may_be_repeated()
    {
        var request = Request("i-release-r1-a1", RuntimeBehaviour.Serves);
        var before = await AvailableAsync(request.Offer);
        await _provider.AllocateAsync(request, Ct);

        await ReleaseAsync(request.Key);

        Assert.Equal(ReleaseOutcome.Released, await _provider.ReleaseAsync(request.Key, Ct));
        Assert.Null(await _provider.FindAsync(request.Key, Ct));
        Assert.Empty(await _provider.ListAllocationsAsync(Cluster, Ct));
        Assert.Equal(before, await AvailableAsync(request.Offer));
    }

    [Fact]
    public async Task A_released_key_is_never_allocated_again()
    {
        var request = Request("i-again-r1-a1", RuntimeBehaviour.Serves);
        await _provider.AllocateAsync(request, Ct);
        await ReleaseAsync(request.Key);

        var again = await _provider.AllocateAsync(request, Ct);
        var afterRestart = await Reopen().AllocateAsync(request, Ct);

        Assert.Equal(RejectionKind.InvalidRequest, again.Rejection?.Kind);
        Assert.Equal(RejectionKind.InvalidRequest, afterRestart.Rejection?.Kind);
        Assert.Empty(await _provider.ListAllocationsAsync(Cluster, Ct));
    }

    [Fact]
    public async Task Releasing_an_unknown_key_succeeds()
    {
        Assert.Equal(ReleaseOutcome.Released, await _provider.ReleaseAsync(new AllocationKey("i-none-r1-a1"), Ct));
        Assert.Null(await _provider.FindAsync(new AllocationKey("i-none-r1-a1"), Ct));
    }

    [Fact]
    public async Task Release_cancels_an_allocation_that_is_not_ready()
    {
        var request = Request("i-early-r1-a1", RuntimeBehaviour.NeverReady);
        await _provider.AllocateAsync(request, Ct);
        Assert.Equal(AllocationStatus.Booting, (await _provider.FindAsync(request.Key, Ct))?.Status);

        await ReleaseAsync(request.Key);

        Assert.Null(await _provider.FindAsync(request.Key, Ct));
    }

    [Fact]
    public async Task A_cancelled_request_can_be_repeated_and_gives_one_allocation()
    {
        var request = Request("i-cancel-r1-a1", RuntimeBehaviour.Serves);
        using var gone = new CancellationTokenSource();
        var call = _provider.AllocateAsync(request, gone.Token);
        await gone.CancelAsync();

        // The cancellation comes before the effect or too late. In both cases the key gives exactly one allocation.
        await Record.ExceptionAsync(() => call);
        var outcome = await _provider.AllocateAsync(request, Ct);

        Assert.True(outcome.IsAllocated);
        Assert.Single(await _provider.ListAllocationsAsync(Cluster, Ct));
    }

    [Fact]
    public async Task A_request_cancelled_before_the_call_throws_and_allocates_nothing()
    {
        var request = Request("i-before-r1-a1", RuntimeBehaviour.Serves);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            _provider.AllocateAsync(request, new CancellationToken(canceled: true))
        );

        Assert.Empty(await _provider.ListAllocationsAsync(Cluster, Ct));
    }

    [Fact]
    public async Task An_unknown_offer_is_refused_naming_the_offer()
    {
        var request = Request("i-wrong-r1-a1", RuntimeBehaviour.Serves);

        var outcome = await _provider.AllocateAsync(
            request with
            {
                Offer = request.Offer with { OfferId = "no-such-offer" },
            },
            Ct
        );

        Assert.False(outcome.IsAllocated);
        Assert.Contains("no-such-offer", outcome.Rejection.ProviderWords, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_over_the_available_capacity_are_out_of_stock()
    {
        var first = Request("i-0-r1-a1", RuntimeBehaviour.Serves);
        var available = await AvailableAsync(first.Offer);
        for (var i = 0; i < available; i++)
        {
            Assert.True(
                (await _provider.AllocateAsync(Request($"i-{i}-r1-a1", RuntimeBehaviour.Serves), Ct)).IsAllocated
            );
        }

        var last = await _provider.AllocateAsync(Request("i-last-r1-a1", RuntimeBehaviour.Serves), Ct);

        Assert.Equal(RejectionKind.OutOfStock, last.Rejection?.Kind);
        Assert.Null(await _provider.FindAsync(new AllocationKey("i-last-r1-a1"), Ct));
    }

    [Theory]
    [InlineData(RuntimeBehaviour.OomAtLoad, FailureCode.OomKilled)]
    [InlineData(RuntimeBehaviour.ModelLoadError, FailureCode.ModelLoadError)]
    [InlineData(RuntimeBehaviour.Exits, FailureCode.RuntimeExited)]
    public async Task The_exit_of_a_runtime_is_reported_until_its_release(RuntimeBehaviour behaviour, FailureCode code)
    {
        var request = Request($"i-{behaviour}-r1-a1", behaviour);
        await _provider.AllocateAsync(request, Ct);
        if (!Abilities.TellsExit)
        {
            await NeverServesAsync(request.Key);
            return;
        }

        var ended = await BecomesAsync(request.Key, AllocationStatus.Exited);
        var afterRestart = await Reopen().FindAsync(request.Key, Ct);

        Assert.NotNull(ended.Exit);
        Assert.Equal(code, ExitDiagnosis.Diagnose(ended.Exit, wasServing: false));
        Assert.InRange(ended.Exit.OutputTail.Length, 1, RuntimeExit.MaxOutputTailChars);
        Assert.Equal(ended.Exit, afterRestart?.Exit);
        await ReleaseAsync(request.Key);
        Assert.Null(await _provider.FindAsync(request.Key, Ct));
    }

    [Fact]
    public async Task Runtime_output_is_readable_while_it_runs_and_after_its_exit()
    {
        var (serving, ending) = (
            Request("i-says-r1-a1", RuntimeBehaviour.Serves),
            Request("i-said-r1-a1", RuntimeBehaviour.OomAtLoad)
        );
        await _provider.AllocateAsync(serving, Ct);
        await _provider.AllocateAsync(ending, Ct);
        await BecomesAsync(serving.Key, AllocationStatus.Ready);
        if (!Abilities.ReadsOutput)
        {
            Assert.Equal("", await _provider.ReadOutputAsync(serving.Key, Ct));
            return;
        }

        var ended = await BecomesAsync(ending.Key, AllocationStatus.Exited);

        var living = await _provider.ReadOutputAsync(serving.Key, Ct);

        Assert.InRange(living.Length, 1, RuntimeExit.MaxOutputTailChars);
        Assert.EndsWith(ended.Exit!.OutputTail, await _provider.ReadOutputAsync(ending.Key, Ct));
        Assert.Equal("", await _provider.ReadOutputAsync(new AllocationKey("i-none-r1-a1"), Ct));
        await ReleaseAsync(serving.Key);
        Assert.Equal("", await _provider.ReadOutputAsync(serving.Key, Ct));
    }

    [Fact]
    public async Task A_watch_sends_existing_allocations_and_changes()
    {
        var request = Request("i-watch-r1-a1", RuntimeBehaviour.Serves);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        stop.CancelAfter(TimeSpan.FromSeconds(30));
        await using var watch = _provider.WatchAsync(Cluster, stop.Token).GetAsyncEnumerator(stop.Token);
        var next = watch.MoveNextAsync();

        await _provider.AllocateAsync(request, Ct);
        Assert.True(await next);
        while (watch.Current.Status != AllocationStatus.Ready)
        {
            Assert.True(await watch.MoveNextAsync());
        }

        Assert.Equal(request.Key, watch.Current.Key);
        await using var late = _provider.WatchAsync(Cluster, stop.Token).GetAsyncEnumerator(stop.Token);
        Assert.True(await late.MoveNextAsync());
        Assert.Equal(request.Key, late.Current.Key);
    }

    [Fact]
    public async Task A_watch_ends_when_cancelled()
    {
        using var stop = new CancellationTokenSource();
        await using var watch = _provider.WatchAsync(Cluster, stop.Token).GetAsyncEnumerator(stop.Token);
        var next = watch.MoveNextAsync();

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
    }

    [Fact]
    public async Task INV_02_allocations_keep_their_keys_after_a_restart()
    {
        var serving = Request("i-stay-r1-a1", RuntimeBehaviour.Serves);
        var booting = Request("i-boot-r1-a1", RuntimeBehaviour.NeverReady);
        await _provider.AllocateAsync(serving, Ct);
        await _provider.AllocateAsync(booting, Ct);
        var before = await BecomesAsync(serving.Key, AllocationStatus.Ready);

        var reopened = Reopen();
        var found = await Eventually.UntilAsync(
            () => reopened.FindAsync(serving.Key, Ct),
            a => a?.Status == AllocationStatus.Ready,
            "ready again"
        );
        var again = await reopened.AllocateAsync(serving, Ct);

        Assert.Equal(before.ProviderAllocationId, found?.ProviderAllocationId);
        Assert.Equal(before.CreatedAt, again.Allocation?.CreatedAt);
        Assert.Equal(2, (await reopened.ListAllocationsAsync(Cluster, Ct)).Count);
        _provider = reopened;
        await ReleaseAsync(serving.Key);
        await ReleaseAsync(booting.Key);
        Assert.Empty(await reopened.ListAllocationsAsync(Cluster, Ct));
    }

    protected static InstanceId InstanceOf(string key) => new(key[..key.IndexOf("-r", StringComparison.Ordinal)]);

    protected IProvider Provider => _provider;

    protected IProvider Reopen()
    {
        var provider = Open();
        _opened.Add(provider);
        return provider;
    }

    protected async Task<Allocation> BecomesAsync(AllocationKey key, AllocationStatus status)
    {
        var seen = await Eventually.UntilAsync(
            () => _provider.FindAsync(key, Ct),
            allocation => allocation?.Status == status,
            $"{key} becomes {status}"
        );
        return seen!;
    }

    /// <summary>A runtime whose end the provider cannot tell is booting or unhealthy, and never exited without evidence.</summary>
    private async Task NeverServesAsync(AllocationKey key)
    {
        for (var look = 0; look < 10; look++)
        {
            var seen = await _provider.FindAsync(key, Ct);
            Assert.True(
                seen?.Status is AllocationStatus.Booting or AllocationStatus.Unhealthy,
                $"It is {seen?.Status}."
            );
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Ct);
        }

        await ReleaseAsync(key);
        Assert.Null(await _provider.FindAsync(key, Ct));
    }

    protected async Task ReleaseAsync(AllocationKey key) =>
        await Eventually.UntilAsync(
            () => _provider.ReleaseAsync(key, CancellationToken.None),
            outcome => outcome == ReleaseOutcome.Released,
            $"{key} is released"
        );

    private async Task<int> AvailableAsync(Offer offer) =>
        (await _provider.ListOffersAsync(Ct))
            .Offers.Single(o => string.Equals(o.OfferId, offer.OfferId, StringComparison.Ordinal))
            .Available;
}

using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Providers.Http;
using Xunit;

namespace Scheduler.ProviderTests.Http;

/// <summary>One key makes one allocation at a vendor that would make as many as it is asked for (INV-01, INV-02).</summary>
public sealed class FencedAllocationsTests : IDisposable
{
    private readonly FenceWorld _world = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task The_intent_is_recorded_before_the_vendor_is_asked()
    {
        AllocationEntry? before = null;
        _world.Vendor.OnCreate = async (make, _) =>
        {
            before = await _world.EntryAsync();
            return CreateAnswer.Of(make());
        };

        var outcome = await _world.Silo().AllocateAsync(FenceWorld.Request(), Ct);

        Assert.Equal(AllocationPhase.Asking, before?.Phase);
        Assert.Equal(_world.Clock.GetUtcNow(), before?.AskedAt);
        Assert.Equal("m-1", outcome.Allocation?.ProviderAllocationId);
        Assert.Equal(AllocationPhase.Held, (await _world.EntryAsync())?.Phase);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_lost_answer_is_settled_by_the_list_and_not_by_a_second_request(bool isMade)
    {
        _world.Vendor.ListLag = TimeSpan.FromSeconds(12);
        _world.Vendor.OnCreate = (make, stop) =>
        {
            _ = isMade ? make() : null;
            throw new VendorException("the answer was lost");
        };

        var outcome = await _world.EndOf(_world.Silo().AllocateAsync(FenceWorld.Request(), Ct));

        Assert.Equal(isMade, outcome.IsAllocated);
        Assert.Equal(isMade ? 1 : 0, _world.Vendor.Held.Count);
        Assert.Equal(
            isMade ? null : new Rejection(RejectionKind.ProviderError, "the answer was lost"),
            outcome.Rejection
        );
        Assert.Equal(isMade ? AllocationPhase.Held : AllocationPhase.Refused, (await _world.EntryAsync())?.Phase);
    }

    [Theory]
    [InlineData(true, 30)]
    [InlineData(false, 50)]
    public async Task An_error_answer_is_settled_sooner_than_a_lost_one(bool isAnswered, int seconds)
    {
        _world.Vendor.OnCreate = (_, _) => throw new VendorException("an error") { WasAnswered = isAnswered };
        var began = _world.Clock.GetUtcNow();

        var outcome = await _world.EndOf(_world.Silo().AllocateAsync(FenceWorld.Request(), Ct));

        Assert.Equal(RejectionKind.ProviderError, outcome.Rejection?.Kind);
        Assert.InRange(
            _world.Clock.GetUtcNow() - began,
            TimeSpan.FromSeconds(seconds),
            TimeSpan.FromSeconds(seconds + 9)
        );
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_silo_killed_in_the_request_is_followed_by_one_that_makes_no_second(bool isMade)
    {
        await KillInCreateAsync(isMade);
        _world.Vendor.OnCreate = null;
        var began = _world.Clock.GetUtcNow();

        var outcome = await _world.EndOf(_world.Silo().AllocateAsync(FenceWorld.Request(), Ct));

        Assert.True(outcome.IsAllocated, outcome.Rejection?.ProviderWords);
        Assert.Single(_world.Vendor.Held);
        Assert.Equal(1, _world.Vendor.Creates);
        if (!isMade)
        {
            // Only after the time in which the first request could still appear.
            Assert.True(_world.Clock.GetUtcNow() - began >= TimeSpan.FromSeconds(50));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_release_after_a_kill_is_pending_until_nothing_can_appear(bool isMade)
    {
        _world.Vendor.ListLag = TimeSpan.FromSeconds(25);
        await KillInCreateAsync(isMade);
        var silo = _world.Silo();

        Assert.Equal(ReleaseOutcome.Pending, await silo.ReleaseAsync(FenceWorld.Key, Ct));
        _world.Clock.Advance(TimeSpan.FromSeconds(49));
        Assert.Equal(ReleaseOutcome.Pending, await silo.ReleaseAsync(FenceWorld.Key, Ct));
        _world.Clock.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(ReleaseOutcome.Released, await silo.ReleaseAsync(FenceWorld.Key, Ct));
        Assert.Empty(_world.Vendor.Held);
        Assert.Equal(
            RejectionKind.InvalidRequest,
            (await _world.Silo().AllocateAsync(FenceWorld.Request(), Ct)).Rejection?.Kind
        );
    }

    [Fact]
    public async Task A_release_during_the_request_destroys_what_it_makes()
    {
        var answered = new TaskCompletionSource();
        var asked = new TaskCompletionSource();
        _world.Vendor.OnCreate = async (make, _) =>
        {
            asked.SetResult();
            await answered.Task;
            return CreateAnswer.Of(make());
        };
        var silo = _world.Silo();
        var call = silo.AllocateAsync(FenceWorld.Request(), Ct);
        await asked.Task;

        Assert.Equal(ReleaseOutcome.Pending, await _world.Silo().ReleaseAsync(FenceWorld.Key, Ct));
        answered.SetResult();

        Assert.Equal(RejectionKind.InvalidRequest, (await call).Rejection?.Kind);
        Assert.Equal(["m-1"], _world.Vendor.Destroyed);
        Assert.Equal(ReleaseOutcome.Released, await silo.ReleaseAsync(FenceWorld.Key, Ct));
        Assert.Empty(_world.Vendor.Held);
    }

    [Fact]
    public async Task Silos_that_race_for_one_key_make_one()
    {
        _world.Vendor.OnCreate = async (make, stop) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(3), _world.Clock, stop);
            return CreateAnswer.Of(make());
        };

        var outcomes = await _world.EndOf(
            Task.WhenAll(Enumerable.Range(0, 6).Select(_ => _world.Silo().AllocateAsync(FenceWorld.Request(), Ct)))
        );

        Assert.All(outcomes, outcome => Assert.Equal("m-1", outcome.Allocation?.ProviderAllocationId));
        Assert.Equal(1, _world.Vendor.Creates);
    }

    [Fact]
    public async Task A_silo_that_was_suspended_in_the_request_destroys_what_came_second()
    {
        var suspended = new TaskCompletionSource();
        var asked = new TaskCompletionSource();
        _world.Vendor.OnCreate = async (make, _) =>
        {
            asked.SetResult();
            await suspended.Task;
            return CreateAnswer.Of(make());
        };
        var first = _world.Silo().AllocateAsync(FenceWorld.Request(), Ct);
        await asked.Task;
        _world.Vendor.OnCreate = null;
        var second = await _world.EndOf(_world.Silo().AllocateAsync(FenceWorld.Request(), Ct));

        suspended.SetResult();
        var late = await first;

        Assert.Equal("m-1", second.Allocation?.ProviderAllocationId);
        Assert.Equal("m-1", late.Allocation?.ProviderAllocationId);
        Assert.Equal(["m-1"], _world.Vendor.Held.Select(item => item.Id));
        Assert.Equal(["m-2"], _world.Vendor.Destroyed);
    }

    [Fact]
    public async Task A_silo_that_was_suspended_after_the_entry_sends_nothing()
    {
        var silo = _world.Silo(new SuspendingJournal(_world));

        await Assert.ThrowsAsync<VendorNotAskedException>(() => silo.AllocateAsync(FenceWorld.Request(), Ct));

        Assert.Equal(0, _world.Vendor.Creates);
        Assert.Equal(AllocationPhase.Refused, (await _world.EntryAsync())?.Phase);
    }

    [Fact]
    public async Task Of_two_under_one_key_the_older_is_kept_and_the_other_destroyed_and_counted()
    {
        _world.Vendor.Make(FenceWorld.Cluster, FenceWorld.Key);
        _world.Clock.Advance(TimeSpan.FromSeconds(1));
        _world.Vendor.Make(FenceWorld.Cluster, FenceWorld.Key);
        var silo = _world.Silo();

        var listed = Assert.Single(await silo.ListAsync(FenceWorld.Cluster, Ct));

        Assert.Equal("m-1", listed.ProviderAllocationId);
        Assert.Equal(["m-1"], _world.Vendor.Held.Select(item => item.Id));
        Assert.Equal(1, silo.Doubled);
    }

    [Fact]
    public async Task What_serves_is_kept_even_if_it_is_the_younger()
    {
        var silo = _world.Silo();
        await silo.AllocateAsync(FenceWorld.Request(), Ct);
        var stray = _world.Vendor.Held[0] with { Id = "m-0", CreatedAt = _world.Clock.GetUtcNow().AddHours(-1) };
        _world.Vendor.Add(stray);
        _world.Clock.Advance(TimeSpan.FromSeconds(5));

        await silo.ListAsync(FenceWorld.Cluster, Ct);

        Assert.Equal(["m-1"], _world.Vendor.Held.Select(item => item.Id));
    }

    [Fact]
    public async Task A_request_with_an_error_answer_that_made_something_is_destroyed_before_the_refusal_counts()
    {
        _world.Vendor.OnCreate = (make, _) =>
            Task.FromResult(CreateAnswer.Refused(RejectionKind.OutOfStock, "bid too low", make().Id));

        var outcome = await _world.Silo().AllocateAsync(FenceWorld.Request(), Ct);

        Assert.Equal("bid too low", outcome.Rejection?.ProviderWords);
        Assert.Empty(_world.Vendor.Held);
    }

    [Fact]
    public async Task What_the_list_does_not_show_yet_is_read_by_its_id()
    {
        _world.Vendor.ListLag = TimeSpan.FromMinutes(1);
        var silo = _world.Silo();
        await silo.AllocateAsync(FenceWorld.Request(), Ct);

        Assert.Equal("m-1", (await silo.FindAsync(FenceWorld.Key, Ct))?.ProviderAllocationId);
        Assert.Equal("m-1", (await silo.AllocateAsync(FenceWorld.Request(), Ct)).Allocation?.ProviderAllocationId);
    }

    [Fact]
    public async Task A_release_is_pending_while_the_vendor_still_lists_it()
    {
        var silo = _world.Silo();
        await silo.AllocateAsync(FenceWorld.Request(), Ct);
        _world.Vendor.DestroysSlowly = true;

        Assert.Equal(ReleaseOutcome.Pending, await silo.ReleaseAsync(FenceWorld.Key, Ct));
        Assert.NotNull(await silo.FindAsync(FenceWorld.Key, Ct));
        _world.Vendor.DestroysSlowly = false;

        Assert.Equal(ReleaseOutcome.Released, await silo.ReleaseAsync(FenceWorld.Key, Ct));
        Assert.Null(await silo.FindAsync(FenceWorld.Key, Ct));
    }

    [Fact]
    public async Task What_appears_after_the_release_is_listed_and_destroyed_when_released_again()
    {
        var silo = _world.Silo();
        Assert.Equal(ReleaseOutcome.Released, await silo.ReleaseAsync(FenceWorld.Key, Ct));
        _world.Vendor.Make(FenceWorld.Cluster, FenceWorld.Key);
        _world.Clock.Advance(TimeSpan.FromSeconds(5));

        Assert.Single(await silo.ListAsync(FenceWorld.Cluster, Ct));
        Assert.Equal(ReleaseOutcome.Released, await silo.ReleaseAsync(FenceWorld.Key, Ct));
        Assert.Empty(_world.Vendor.Held);
    }

    [Fact]
    public async Task A_release_is_not_confirmed_by_a_list_that_failed()
    {
        var silo = _world.Silo();
        await silo.AllocateAsync(FenceWorld.Request(), Ct);
        _world.Vendor.ListFault = new VendorException("503");

        await Assert.ThrowsAsync<VendorException>(() => silo.ReleaseAsync(FenceWorld.Key, Ct));
        _world.Vendor.ListFault = null;

        Assert.Equal(ReleaseOutcome.Released, await silo.ReleaseAsync(FenceWorld.Key, Ct));
        Assert.Equal(AllocationPhase.Released, (await _world.EntryAsync())?.Phase);
    }

    [Fact]
    public async Task A_request_that_was_not_sent_leaves_nothing_open()
    {
        _world.Vendor.OnCreate = (_, _) => throw new VendorNotAskedException("no connection");
        var silo = _world.Silo();

        await Assert.ThrowsAsync<VendorNotAskedException>(() => silo.AllocateAsync(FenceWorld.Request(), Ct));
        _world.Vendor.OnCreate = null;

        Assert.True((await silo.AllocateAsync(FenceWorld.Request(), Ct)).IsAllocated);
        Assert.Equal(ReleaseOutcome.Released, await silo.ReleaseAsync(FenceWorld.Key, Ct));
    }

    [Fact]
    public async Task A_refused_credential_is_a_rejection()
    {
        _world.Vendor.OnCreate = (_, _) =>
            throw new CredentialRefusedException("a bad key in /run/key") { TenantWords = "a bad key" };

        var outcome = await _world.Silo().AllocateAsync(FenceWorld.Request(), Ct);

        Assert.Equal(new Rejection(RejectionKind.Credentials, "a bad key"), outcome.Rejection);
    }

    [Fact]
    public async Task One_list_serves_all_keys_that_ask_within_its_time()
    {
        var silo = _world.Silo();
        foreach (var i in Enumerable.Range(0, 20))
        {
            _world.Vendor.Make(FenceWorld.Cluster, new AllocationKey($"i-{i}-r1-a1"));
        }

        foreach (var i in Enumerable.Range(0, 20))
        {
            Assert.NotNull(await silo.FindAsync(new AllocationKey($"i-{i}-r1-a1"), Ct));
        }

        Assert.Equal(1, _world.Vendor.Lists);
    }

    [Fact]
    public async Task A_call_that_everybody_cancelled_is_not_sent_but_one_that_was_sent_goes_on()
    {
        using var gone = new CancellationTokenSource();
        var answered = new TaskCompletionSource();
        var asked = new TaskCompletionSource();
        _world.Vendor.OnCreate = async (make, _) =>
        {
            asked.SetResult();
            await answered.Task;
            return CreateAnswer.Of(make());
        };
        var silo = _world.Silo();
        var call = silo.AllocateAsync(FenceWorld.Request(), gone.Token);
        await asked.Task;
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);

        var again = silo.AllocateAsync(FenceWorld.Request(), Ct);
        answered.SetResult();

        Assert.Equal("m-1", (await again).Allocation?.ProviderAllocationId);
        Assert.Equal(1, _world.Vendor.Creates);
    }

    [Fact]
    public async Task Released_keys_are_forgotten_after_the_stated_time()
    {
        var silo = _world.Silo();
        await silo.ReleaseAsync(FenceWorld.Key, Ct);
        Assert.Equal(AllocationPhase.Released, (await _world.EntryAsync())?.Phase);
        _world.Clock.Advance(_world.Options.RememberReleased + TimeSpan.FromHours(2));

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await using var watch = silo.WatchAsync(FenceWorld.Cluster, stop.Token).GetAsyncEnumerator(stop.Token);
        var next = watch.MoveNextAsync();
        await _world.PassUntilAsync(() => _world.EntryAsync().Result is null);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
    }

    /// <summary>Ends a silo while its create request is on its way.</summary>
    private async Task KillInCreateAsync(bool isMade)
    {
        var asked = new TaskCompletionSource();
        _world.Vendor.OnCreate = async (make, stop) =>
        {
            _ = isMade ? make() : null;
            asked.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, _world.Clock, stop);
            throw new System.Diagnostics.UnreachableException();
        };
        var silo = _world.Silo();
        var call = silo.AllocateAsync(FenceWorld.Request(), Ct);
        await asked.Task;
        silo.Dispose();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal(AllocationPhase.Asking, (await _world.EntryAsync())?.Phase);
    }
}

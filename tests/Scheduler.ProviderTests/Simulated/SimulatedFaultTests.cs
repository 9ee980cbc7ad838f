using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Simulated;
using Xunit;
using static Scheduler.ProviderTests.Simulated.SmallMarket;

namespace Scheduler.ProviderTests.Simulated;

/// <summary>Configured faults, with a clock controlled by the test.</summary>
public sealed class SimulatedFaultTests : IDisposable
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly FakeTimeProvider _clock = new();
    private readonly SimulatedMarket _market;
    private readonly SimulatedProvider _provider;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public SimulatedFaultTests()
    {
        _market = Market(_clock);
        _provider = _market.Provider("sim-lambda");
    }

    public void Dispose() => _market.Dispose();

    [Fact]
    public async Task Without_latency_the_answer_contains_a_ready_allocation()
    {
        var call = _provider.AllocateAsync(Request("k1"), Ct);

        Assert.True(call.IsCompletedSuccessfully);
        Assert.Equal(AllocationStatus.Ready, (await call).Allocation?.Status);
    }

    [Fact]
    public async Task Latency_and_boot_time_follow_the_clock()
    {
        _market.Set(new SimulatedFault { AllocateLatency = Minute, BootTime = Minute });
        var call = _provider.AllocateAsync(Request("k1"), Ct);

        _clock.Advance(Minute / 2);
        Assert.False(call.IsCompleted);
        Assert.Null(await _provider.FindAsync(new("k1"), Ct));

        _clock.Advance(Minute / 2);
        Assert.Equal(AllocationStatus.Booting, (await call).Allocation?.Status);

        _clock.Advance(Minute);
        Assert.Equal(AllocationStatus.Ready, (await FindAsync("k1")).Status);
    }

    [Fact]
    public async Task A_request_cancelled_by_its_caller_still_takes_effect()
    {
        _market.Set(new SimulatedFault { AllocateLatency = Minute });
        using var gone = new CancellationTokenSource();
        var call = _provider.AllocateAsync(Request("k1"), gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Empty(await _provider.ListAllocationsAsync(Cluster, Ct));

        _clock.Advance(Minute);

        Assert.Single(await _provider.ListAllocationsAsync(Cluster, Ct));
    }

    [Fact]
    public async Task An_allocation_with_a_late_answer_is_listed_before_the_answer()
    {
        _market.Set(new SimulatedFault { AnswerLate = Minute });
        var call = _provider.AllocateAsync(Request("k1"), Ct);

        Assert.False(call.IsCompleted);
        Assert.Single(await _provider.ListAllocationsAsync(Cluster, Ct));
        _clock.Advance(Minute);

        Assert.True((await call).IsAllocated);
    }

    [Fact]
    public async Task A_request_that_is_never_answered_allocates_nothing_and_can_be_released()
    {
        _market.Set(new SimulatedFault { NeverAnswer = true });
        var call = _provider.AllocateAsync(Request("k1"), Ct);

        _clock.Advance(TimeSpan.FromDays(365));
        Assert.False(call.IsCompleted);
        Assert.Empty(await _provider.ListAllocationsAsync(Cluster, Ct));

        Assert.Equal(ReleaseOutcome.Released, await _provider.ReleaseAsync(new("k1"), Ct));
        Assert.Equal(RejectionKind.InvalidRequest, (await call).Rejection?.Kind);
    }

    [Fact]
    public async Task Releasing_a_pending_request_cancels_it_permanently()
    {
        _market.Set(new SimulatedFault { AllocateLatency = Minute });
        var call = _provider.AllocateAsync(Request("k1"), Ct);

        Assert.Equal(ReleaseOutcome.Released, await _provider.ReleaseAsync(new("k1"), Ct));
        Assert.False((await call).IsAllocated);
        _clock.Advance(Minute);

        Assert.Empty(await _provider.ListAllocationsAsync(Cluster, Ct));
    }

    [Fact]
    public async Task A_slow_release_is_pending_until_it_completes()
    {
        _market.Set(new SimulatedFault { ReleaseTime = Minute });
        await _provider.AllocateAsync(Request("k1"), Ct);

        Assert.Equal(ReleaseOutcome.Pending, await _provider.ReleaseAsync(new("k1"), Ct));
        Assert.Single(await _provider.ListAllocationsAsync(Cluster, Ct));
        _clock.Advance(Minute);

        Assert.Equal(ReleaseOutcome.Released, await _provider.ReleaseAsync(new("k1"), Ct));
        Assert.Empty(await _provider.ListAllocationsAsync(Cluster, Ct));
    }

    [Fact]
    public async Task A_failure_after_the_effect_throws_once_and_a_retry_finds_the_allocation()
    {
        _market.Set(new SimulatedFault { FailAfterEffect = true });

        await Assert.ThrowsAsync<HttpRequestException>(() => _provider.AllocateAsync(Request("k1"), Ct));
        var retry = await _provider.AllocateAsync(Request("k1"), Ct);

        Assert.True(retry.IsAllocated);
        Assert.Single(await _provider.ListAllocationsAsync(Cluster, Ct));
    }

    [Theory]
    [InlineData(true, RejectionKind.OutOfStock)]
    [InlineData(false, RejectionKind.Quota)]
    public async Task A_refusal_is_returned_as_a_value_and_does_not_use_up_the_key(bool stock, RejectionKind kind)
    {
        _market.Set(new SimulatedFault { OutOfStock = stock, QuotaExceeded = !stock });

        var outcome = await _provider.AllocateAsync(Request("k1"), Ct);
        _market.Set();

        Assert.Equal(kind, outcome.Rejection?.Kind);
        Assert.True(
            (await _provider.AllocateAsync(Request("k1"), Ct)).IsAllocated,
            "A refusal must not use up the key."
        );
    }

    [Fact]
    public async Task Only_spot_allocations_are_reclaimed()
    {
        _market.Set(new SimulatedFault { SpotReclaimAfter = Minute });
        await _provider.AllocateAsync(Request("spot", spot: true), Ct);
        await _provider.AllocateAsync(Request("firm"), Ct);

        _clock.Advance(Minute);

        Assert.Equal(AllocationStatus.Preempted, (await FindAsync("spot")).Status);
        Assert.Equal(AllocationStatus.Ready, (await FindAsync("firm")).Status);
    }

    [Fact]
    public async Task Out_of_memory_while_serving_is_diagnosed_as_OOM_KILLED()
    {
        _market.Set(new SimulatedFault { OomAfter = Minute, ExitAfter = 2 * Minute });
        await _provider.AllocateAsync(Request("k1"), Ct);

        _clock.Advance(Minute);

        var ended = await FindAsync("k1");
        Assert.Equal(AllocationStatus.Exited, ended.Status);
        Assert.Equal(FailureCode.OomKilled, ExitDiagnosis.Diagnose(ended.Exit!, wasServing: true));
    }

    [Fact]
    public async Task Watchers_receive_each_change_and_twice_if_configured()
    {
        _market.Set(
            new SimulatedFault
            {
                BootTime = Minute,
                UnhealthyAfter = Minute,
                AnswerTwice = true,
            }
        );
        await using var watch = _provider.WatchAsync(Cluster, Ct).GetAsyncEnumerator(Ct);
        var next = watch.MoveNextAsync();
        await _provider.AllocateAsync(Request("k1"), Ct);
        _clock.Advance(Minute);
        _clock.Advance(Minute);

        var seen = new List<AllocationStatus>();
        for (var i = 0; i < 6; i++)
        {
            Assert.True(await next);
            seen.Add(watch.Current.Status);
            next = i < 5 ? watch.MoveNextAsync() : default;
        }

        AllocationStatus[] expected = [AllocationStatus.Booting, AllocationStatus.Ready, AllocationStatus.Unhealthy];
        Assert.Equal(expected.SelectMany(status => new[] { status, status }), seen);
    }

    [Fact]
    public async Task A_fault_applies_to_its_share_of_keys_and_always_to_the_same_keys()
    {
        _market.Set(
            new SimulatedFault
            {
                OutOfStock = true,
                Probability = 0.3,
                Seed = 7,
            }
        );
        List<bool> Refused() =>
            [.. Enumerable.Range(0, 1000).Select(i => _market.BehaviourFor(Request($"k{i}")).OutOfStock)];

        var first = Refused();

        Assert.InRange(first.Count(refused => refused), 250, 350);
        Assert.Equal(first, Refused());
        Assert.False((await _provider.AllocateAsync(Request($"k{first.IndexOf(true)}"), Ct)).IsAllocated);
    }

    [Fact]
    public void Faults_match_the_provider_with_or_without_prefix_and_the_first_wins()
    {
        _market.Set(
            new SimulatedFault { Match = { Provider = "azure" }, BootTime = 9 * Minute },
            new SimulatedFault { Match = { Provider = "lambda", Region = "r" }, BootTime = Minute },
            new SimulatedFault
            {
                Match = { Provider = "sim-lambda" },
                BootTime = 2 * Minute,
                ExitAfter = Minute,
            }
        );

        var behaviour = _market.BehaviourFor(Request("k"));

        Assert.Equal(Minute, behaviour.BootTime);
        Assert.Equal(Minute, behaviour.ExitAfter);
    }

    [Fact]
    public async Task Allocations_can_be_ended_by_the_test()
    {
        await _provider.AllocateAsync(Request("k1"), Ct);
        Assert.True(_market.End(new("k1"), SimulatedEnd.Preempted));
        Assert.Equal(AllocationStatus.Preempted, (await FindAsync("k1")).Status);
        Assert.True(_market.Vanish(new("k1")));
        Assert.Null(await _provider.FindAsync(new("k1"), Ct));
        Assert.False(_market.End(new("k1"), SimulatedEnd.Exit));
        Assert.False(_market.MakeUnhealthy(new("never")));
    }

    private async Task<Allocation> FindAsync(string key) =>
        await _provider.FindAsync(new(key), Ct) ?? throw new InvalidOperationException($"{key} is not held.");
}

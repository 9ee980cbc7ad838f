using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Simulated;
using Xunit;
using static Scheduler.UnitTests.Providers.Simulated.Small;

namespace Scheduler.UnitTests.Providers.Simulated;

/// <summary>What goes wrong on request, on a clock that only the test moves.</summary>
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
    public async Task Without_latencies_an_allocation_is_ready_in_the_answer()
    {
        var call = _provider.AllocateAsync(Request("k1"), Ct);

        Assert.True(call.IsCompletedSuccessfully);
        Assert.Equal(AllocationStatus.Ready, (await call).Allocation?.Status);
    }

    [Fact]
    public async Task Latency_and_boot_time_pass_by_the_clock()
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
    public async Task A_request_whose_caller_stopped_waiting_still_arrives()
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
    public async Task A_late_answer_is_in_the_list_before_it_is_answered()
    {
        _market.Set(new SimulatedFault { AnswerLate = Minute });
        var call = _provider.AllocateAsync(Request("k1"), Ct);

        Assert.False(call.IsCompleted);
        Assert.Single(await _provider.ListAllocationsAsync(Cluster, Ct));
        _clock.Advance(Minute);

        Assert.True((await call).IsAllocated);
    }

    [Fact]
    public async Task A_request_that_is_never_answered_holds_nothing_and_can_be_called_off()
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
    public async Task Releasing_a_pending_request_calls_it_off_for_good()
    {
        _market.Set(new SimulatedFault { AllocateLatency = Minute });
        var call = _provider.AllocateAsync(Request("k1"), Ct);

        Assert.Equal(ReleaseOutcome.Released, await _provider.ReleaseAsync(new("k1"), Ct));
        Assert.False((await call).IsAllocated);
        _clock.Advance(Minute);

        Assert.Empty(await _provider.ListAllocationsAsync(Cluster, Ct));
    }

    [Fact]
    public async Task A_release_that_takes_time_is_pending_until_then()
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
    public async Task Failing_after_the_effect_throws_once_and_the_retry_finds_the_allocation()
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
    public async Task Refusals_are_values_and_leave_nothing(bool stock, RejectionKind kind)
    {
        _market.Set(new SimulatedFault { OutOfStock = stock, QuotaExceeded = !stock });

        var outcome = await _provider.AllocateAsync(Request("k1"), Ct);
        _market.Set();

        Assert.Equal(kind, outcome.Rejection?.Kind);
        Assert.True(
            (await _provider.AllocateAsync(Request("k1"), Ct)).IsAllocated,
            "a refusal does not use the key up"
        );
    }

    [Fact]
    public async Task Spot_is_reclaimed_and_on_demand_is_spared()
    {
        _market.Set(new SimulatedFault { SpotReclaimAfter = Minute });
        await _provider.AllocateAsync(Request("spot", spot: true), Ct);
        await _provider.AllocateAsync(Request("firm"), Ct);

        _clock.Advance(Minute);

        Assert.Equal(AllocationStatus.Preempted, (await FindAsync("spot")).Status);
        Assert.Equal(AllocationStatus.Ready, (await FindAsync("firm")).Status);
    }

    [Fact]
    public async Task Running_out_of_memory_while_serving_reads_as_such()
    {
        _market.Set(new SimulatedFault { OomAfter = Minute, ExitAfter = 2 * Minute });
        await _provider.AllocateAsync(Request("k1"), Ct);

        _clock.Advance(Minute);

        var ended = await FindAsync("k1");
        Assert.Equal(AllocationStatus.Exited, ended.Status);
        Assert.Equal(FailureCode.OomKilled, ExitDiagnosis.Diagnose(ended.Exit!, wasServing: true));
    }

    [Fact]
    public async Task Watchers_are_told_each_change_by_the_clock_and_twice_where_asked()
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
    public async Task A_rule_hits_its_share_of_keys_and_the_same_keys_every_time()
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
            [
                .. Enumerable
                    .Range(0, 1000)
                    .Select(i => _market.BehaviourFor(Request("k").Offer, new($"k{i}")).OutOfStock),
            ];

        var first = Refused();

        Assert.InRange(first.Count(refused => refused), 250, 350);
        Assert.Equal(first, Refused());
        Assert.False((await _provider.AllocateAsync(Request($"k{first.IndexOf(true)}"), Ct)).IsAllocated);
    }

    [Fact]
    public void Rules_match_by_provider_with_and_without_the_prefix_and_the_first_one_wins()
    {
        var offer = Request("k").Offer;
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

        var behaviour = _market.BehaviourFor(offer, new("k"));

        Assert.Equal(Minute, behaviour.BootTime);
        Assert.Equal(Minute, behaviour.ExitAfter);
    }

    [Fact]
    public async Task Instances_can_be_ended_by_hand()
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

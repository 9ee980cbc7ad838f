using Microsoft.Extensions.Time.Testing;
using Scheduler.Providers.Http;
using Xunit;

namespace Scheduler.ProviderTests.Http;

public sealed class RateGateTests : IDisposable
{
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.Zero));
    private readonly List<string> _entered = [];
    private RateGate? _gate;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _gate?.Dispose();

    [Fact]
    public async Task Releases_pass_before_reads_before_creates_before_offers()
    {
        var gate = Gate(new RateLimits { Any = TimeSpan.FromSeconds(1) });
        await gate.EnterAsync(CallKind.Offers, Ct);
        var all = Task.WhenAll(
            EnterAsync(gate, CallKind.Output),
            EnterAsync(gate, CallKind.Offers),
            EnterAsync(gate, CallKind.Create),
            EnterAsync(gate, CallKind.Read),
            EnterAsync(gate, CallKind.Release)
        );
        Assert.Equal(5, gate.Waiting);

        await PassAsync(all, 5);

        Assert.Equal(["Release@1", "Read@2", "Create@3", "Offers@4", "Output@5"], _entered);
    }

    [Fact]
    public async Task A_kind_with_its_own_limit_does_not_hold_up_the_others()
    {
        var gate = Gate(
            new RateLimits { Of = new Dictionary<CallKind, TimeSpan> { [CallKind.Create] = TimeSpan.FromSeconds(12) } }
        );
        await gate.EnterAsync(CallKind.Create, Ct);
        var create = EnterAsync(gate, CallKind.Create);
        await EnterAsync(gate, CallKind.Offers);

        await PassAsync(create, 12);

        Assert.Equal(["Offers@0", "Create@12"], _entered);
    }

    [Fact]
    public async Task A_share_of_the_account_stretches_every_limit()
    {
        var gate = Gate(new RateLimits { Any = TimeSpan.FromSeconds(1), Share = 0.25 });
        await gate.EnterAsync(CallKind.Read, Ct);
        await PassAsync(EnterAsync(gate, CallKind.Read), 4);

        Assert.Equal(["Read@4"], _entered);
    }

    [Theory]
    [InlineData("7", 7)]
    [InlineData("Mon, 30 Nov 2026 12:00:09 GMT", 9)]
    [InlineData(null, 1)]
    public async Task A_refusal_closes_the_gate_for_everybody(string? retryAfter, int seconds)
    {
        var gate = Gate(new RateLimits());
        gate.Observe(429, Headers(("Retry-After", retryAfter)));

        await PassAsync(EnterAsync(gate, CallKind.Release), seconds);

        Assert.Equal([$"Release@{seconds}"], _entered);
    }

    [Fact]
    public async Task Refusals_without_a_time_wait_twice_as_long_each_up_to_a_minute()
    {
        var gate = Gate(new RateLimits());
        var waited = new List<int>();
        for (var i = 0; i < 8; i++)
        {
            var began = _clock.GetUtcNow();
            gate.Observe(429, Headers());
            var entered = gate.EnterAsync(CallKind.Read, Ct);
            await PassAsync(entered, 60);
            waited.Add((int)(_clock.GetUtcNow() - began).TotalSeconds);
        }

        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60], waited);
        gate.Observe(200, Headers());
        gate.Observe(429, Headers());
        await PassAsync(EnterAsync(gate, CallKind.Read), 1);
    }

    [Fact]
    public async Task The_longest_empty_window_counts()
    {
        var gate = Gate(new RateLimits());
        gate.Observe(200, Headers(("RateLimit", "\"minute\";r=0;t=12, \"hour\";r=0;t=90, \"day\";r=5;t=40000")));

        await PassAsync(EnterAsync(gate, CallKind.Release), 90);

        Assert.Equal(["Release@90"], _entered);
    }

    [Fact]
    public async Task The_last_tenth_of_a_window_is_for_releases_reads_and_creates()
    {
        var gate = Gate(new RateLimits());
        gate.Observe(200, Headers(("RateLimit-Policy", "\"minute\";q=60;w=60"), ("RateLimit", "\"minute\";r=6;t=30")));

        var offers = EnterAsync(gate, CallKind.Offers);
        await EnterAsync(gate, CallKind.Create);
        await PassAsync(offers, 30);

        Assert.Equal(["Create@0", "Offers@30"], _entered);
    }

    [Fact]
    public async Task A_wait_that_is_too_long_is_refused_with_its_end()
    {
        var gate = Gate(new RateLimits());
        gate.Observe(200, Headers(("RateLimit", "\"day\";r=0;t=1800")));

        var refused = await Assert.ThrowsAsync<VendorBusyException>(() => gate.EnterAsync(CallKind.Release, Ct));

        Assert.Equal("fake permits no such call before 2026-11-30 12:30:00Z", refused.Message);
    }

    [Fact]
    public async Task The_queue_is_bounded_and_a_cancelled_call_leaves_it()
    {
        var gate = Gate(new RateLimits { Any = TimeSpan.FromSeconds(1), MaxWaiting = 1 });
        await gate.EnterAsync(CallKind.Read, Ct);
        using var gone = new CancellationTokenSource();
        var waiting = gate.EnterAsync(CallKind.Read, gone.Token);

        await Assert.ThrowsAsync<VendorBusyException>(() => gate.EnterAsync(CallKind.Release, Ct));
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

        Assert.Equal(0, gate.Waiting);
        await PassAsync(EnterAsync(gate, CallKind.Release), 1);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense;;;=,")]
    [InlineData("\"minute\";r=-1;t=x")]
    [InlineData("\"minute\";r=99999999999999999999;t=99999999999999999999")]
    public async Task An_unreadable_header_closes_nothing(string header)
    {
        var gate = Gate(new RateLimits());
        gate.Observe(200, Headers(("RateLimit", header)));

        await gate.EnterAsync(CallKind.Output, Ct);
    }

    private RateGate Gate(RateLimits limits) => _gate = new("fake", limits, _clock);

    private async Task EnterAsync(RateGate gate, CallKind kind)
    {
        await gate.EnterAsync(kind, Ct);
        lock (_entered)
        {
            _entered.Add($"{kind}@{(_clock.GetUtcNow() - _clock.Start).TotalSeconds}");
        }
    }

    /// <summary>Lets up to some seconds pass; the task must end within them.</summary>
    private async Task PassAsync(Task task, int seconds)
    {
        for (var i = 0; i < seconds && !task.IsCompleted; i++)
        {
            var (noted, waiting) = (_entered.Count, _gate!.Waiting);
            _clock.Advance(TimeSpan.FromSeconds(1));
            // A caller that may pass continues on the thread pool. It must note its call before the clock moves on.
            while (_gate.Waiting < waiting && _entered.Count == noted && !task.IsCompleted)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Ct);
            }
        }

        await task.WaitAsync(TimeSpan.FromSeconds(5), TimeProvider.System, Ct);
    }

    private static System.Net.Http.Headers.HttpResponseHeaders Headers(
        params IEnumerable<(string Name, string? Value)> headers
    )
    {
        var response = new HttpResponseMessage();
        foreach (var (name, value) in headers.Where(header => header.Value is not null))
        {
            response.Headers.TryAddWithoutValidation(name, value);
        }

        return response.Headers;
    }
}

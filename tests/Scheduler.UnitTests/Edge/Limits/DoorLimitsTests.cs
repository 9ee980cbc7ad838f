using System.Net;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Api;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Edge.Limits;
using Scheduler.Grains.Keys;
using Xunit;

namespace Scheduler.UnitTests.Edge.Limits;

public sealed class DoorLimitsTests
{
    private const string NoKey = "Bearer nonsense";

    private static readonly RequestLoad Request = new(IsStream: false, MaxBytes: 1);
    private static readonly RequestLoad File = new(IsStream: false, MaxBytes: 24 << 20);

    private readonly FakeTimeProvider _clock = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_over_the_process_limit_wait_in_a_bounded_queue_or_are_refused()
    {
        using var door = Door(new ApiOptions { MaxRequests = 2, MaxQueuedRequests = 1 });
        var first = await door.EnterAsync(Caller("a"), Request, Ct);
        using var second = await door.EnterAsync(null, Request, Ct);
        var third = door.EnterAsync(Caller("b"), Request, Ct).AsTask();
        Assert.False(third.IsCompleted);

        var refused = await RefusalAsync(door.EnterAsync(Caller("c"), Request, Ct));

        Assert.Equal(("RATE_LIMITED", 429), (refused.Reason, refused.HttpStatus));
        Assert.Equal(("2", "requests"), (refused.Details["process_limit"], refused.Details["kind"]));
        Assert.False(third.IsCompleted);
        first.Dispose();
        using var passed = await third;
        Assert.True(passed.Lease!.IsAcquired);
    }

    [Fact]
    public async Task A_request_that_waits_too_long_is_refused_and_leaves_the_queue()
    {
        using var door = Door(
            new ApiOptions
            {
                MaxRequests = 1,
                MaxQueuedRequests = 1,
                MaxRequestsPerKey = 1,
                MaxQueueWait = TimeSpan.FromSeconds(2),
            }
        );
        var first = await door.EnterAsync(null, Request, Ct);
        var waiting = door.EnterAsync(Caller("a"), Request, Ct).AsTask();
        _clock.Advance(TimeSpan.FromSeconds(1.9));
        Assert.False(waiting.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(0.1));

        var refusal = await Assert.ThrowsAsync<ApiException>(() => waiting);

        Assert.Equal("RATE_LIMITED", refusal.Error.Reason);
        var next = door.EnterAsync(Caller("a"), Request, Ct).AsTask();
        first.Dispose();
        (await next).Dispose();
        using var again = await door.EnterAsync(Caller("a"), Request, Ct);
    }

    [Fact]
    public async Task A_cancelled_request_leaves_the_queue()
    {
        using var door = Door(new ApiOptions { MaxRequests = 1, MaxQueuedRequests = 1 });
        var first = await door.EnterAsync(null, Request, Ct);
        using var gone = new CancellationTokenSource();
        var waiting = door.EnterAsync(Caller("a"), Request, gone.Token).AsTask();
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        var next = door.EnterAsync(Caller("b"), Request, Ct).AsTask();
        first.Dispose();
        (await next).Dispose();
    }

    [Fact]
    public async Task A_file_request_counts_as_several_and_passes_alone_whatever_its_size()
    {
        using var door = Door(new ApiOptions { MaxRequestsPerKey = 30 });
        var one = await door.EnterAsync(Caller("a"), File, Ct);
        Assert.Equal("30", (await RefusalAsync(door.EnterAsync(Caller("a"), File, Ct))).Details["request_limit"]);
        using var small = await door.EnterAsync(Caller("a"), Request, Ct);
        one.Dispose();
        using var another = await door.EnterAsync(Caller("a"), File, Ct);

        using var narrow = Door(new ApiOptions { MaxRequestsPerKey = 1, MaxRequests = 1 });
        using var alone = await narrow.EnterAsync(Caller("a"), File, Ct);
    }

    [Fact]
    public async Task The_stream_limit_of_the_process_refuses_at_once_and_uses_no_request_slot()
    {
        using var door = Door(new ApiOptions { MaxWatchStreams = 1, MaxRequests = 1 });
        var stream = new RequestLoad(IsStream: true, MaxBytes: 1);
        using var first = await door.EnterAsync(Caller("a"), stream, Ct);
        var refused = await RefusalAsync(door.EnterAsync(Caller("b"), stream, Ct));
        Assert.Equal(("streams", "1"), (refused.Details["kind"], refused.Details["process_limit"]));
        using var request = await door.EnterAsync(Caller("b"), Request, Ct);
    }

    [Fact]
    public void Guessing_is_limited_per_address_and_known_keys_there_still_work()
    {
        using var door = Door(new ApiOptions { UnknownPerSecondPerAddress = 2, UnknownBurstPerAddress = 4 });
        var address = AddressPrefix.Of(IPAddress.Parse("203.0.113.7"));
        var (known, fresh) = (KeyAuthority.NewToken(), KeyAuthority.NewToken());
        Count(door, new Caller(known.KeyId, null), $"Bearer {known.Reveal()}");
        for (var i = 0; i < 4; i++)
        {
            door.ThrowIfSpent(address, NoKey);
            door.Charge(address);
        }

        var refused = Assert.Throws<ApiException>(() => door.ThrowIfSpent(address, $"Bearer {fresh.Reveal()}")).Error;
        Assert.Equal(("RATE_LIMITED", "203.0.113.7"), (refused.Reason, refused.Details["address"]));
        Assert.Equal(TimeSpan.FromSeconds(0.5), refused.RetryAfter);
        Assert.Throws<ApiException>(() => door.ThrowIfSpent(address, NoKey));
        Assert.Throws<ApiException>(() =>
            door.ThrowIfSpent(address, $"Bearer {known.Reveal()[..^1]}{(known.Secret[^1] == 'A' ? 'B' : 'A')}")
        );
        door.ThrowIfSpent(address, $"Bearer {known.Reveal()}");
        door.ThrowIfSpent(AddressPrefix.Of(IPAddress.Parse("203.0.113.8")), NoKey);
        _clock.Advance(refused.RetryAfter!.Value);
        door.ThrowIfSpent(address, $"Bearer {fresh.Reveal()}");
    }

    [Theory]
    [InlineData("203.0.113.7", "203.0.113.8", false)]
    [InlineData("203.0.113.7", "::ffff:203.0.113.7", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("0.0.0.1", "::1", false)]
    public void A_whole_IPv6_subnet_of_64_bits_counts_as_one_address(string one, string another, bool same) =>
        Assert.Equal(same, AddressPrefix.Of(IPAddress.Parse(one)) == AddressPrefix.Of(IPAddress.Parse(another)));

    [Fact]
    public void Failed_callers_from_a_million_addresses_use_bounded_memory()
    {
        using var door = Door(new ApiOptions { UnknownPerSecondPerAddress = 20, UnknownBurstPerAddress = 40 });
        for (var i = 0u; i < 1_000_000; i++)
        {
            door.Charge(new AddressPrefix(i, IsV4: false));
            Assert.InRange(door.Counted.Addresses, 1, AddressLimits.Capacity);
        }

        Assert.Equal(0, door.Counted.Keys);
        // Addresses beyond the capacity share one counter, which is over its limit here.
        Assert.Throws<ApiException>(() => door.ThrowIfSpent(new AddressPrefix(2_000_000, IsV4: false), NoKey));
        _clock.Advance(TimeSpan.FromMinutes(1));
        door.ThrowIfSpent(new AddressPrefix(2_000_000, IsV4: false), NoKey);
        door.Charge(new AddressPrefix(2_000_000, IsV4: false));
        Assert.Equal(1, door.Counted.Addresses);
    }

    [Fact]
    public void An_address_over_its_rate_is_not_evicted()
    {
        using var door = Door(new ApiOptions { UnknownPerSecondPerAddress = 1, UnknownBurstPerAddress = 10 });
        var guesser = new AddressPrefix(1, IsV4: true);
        for (var i = 0; i < 20; i++)
        {
            door.Charge(guesser);
        }

        _clock.Advance(TimeSpan.FromSeconds(5));
        for (var i = 0u; i < 200_000; i++)
        {
            door.Charge(new AddressPrefix(i, IsV4: false));
        }

        Assert.Throws<ApiException>(() => door.ThrowIfSpent(guesser, NoKey));
    }

    [Fact]
    public async Task Idle_keys_are_evicted_and_keys_with_open_requests_are_kept()
    {
        using var door = Door(new ApiOptions());
        using var open = await door.EnterAsync(Caller("open"), Request, Ct);
        foreach (var i in Enumerable.Range(0, 1000))
        {
            Count(door, Caller($"key-{i}"), NoKey);
        }

        Assert.Equal(1001, door.Counted.Keys);
        _clock.Advance(KeyLimits.RememberedFor);
        Count(door, Caller("late"), NoKey);
        Assert.Equal(2, door.Counted.Keys);
    }

    [Fact]
    public async Task Concurrent_requests_never_exceed_the_limits()
    {
        using var door = Door(
            new ApiOptions
            {
                RequestsPerSecondPerKey = 10,
                RequestBurstPerKey = 100,
                MaxRequestsPerKey = 7,
            }
        );
        var (counted, entered) = (0, 0);
        await Parallel.ForAsync(
            0,
            2000,
            Ct,
            async (_, ct) =>
            {
                try
                {
                    Count(door, Caller("a"), NoKey);
                    Interlocked.Increment(ref counted);
                    // The lease is not disposed, so an eighth request finds seven in progress.
                    await door.EnterAsync(Caller("a"), Request, ct);
                    Interlocked.Increment(ref entered);
                }
                catch (ApiException refused)
                {
                    Assert.Equal("RATE_LIMITED", refused.Error.Reason);
                }
            }
        );
        Assert.Equal((100, 7), (counted, entered));
    }

    private static void Count(RequestLimits door, Caller caller, string authorization) =>
        door.CountAgainstRate(RequestScope.Of(null), caller, authorization);

    private static Caller Caller(string key) => new(key, new AccountId("acct-a"));

    private static async Task<ApiError> RefusalAsync(ValueTask<RequestLease> entering) =>
        (await Assert.ThrowsAsync<ApiException>(entering.AsTask)).Error;

    private RequestLimits Door(ApiOptions options) =>
        new(options.Limits(), new MemoryBudget(1 << 20, new FullCollections(), _clock), _clock);
}

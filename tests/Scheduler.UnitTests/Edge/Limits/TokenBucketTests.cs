using FsCheck.Xunit;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Edge.Limits;
using Xunit;

namespace Scheduler.UnitTests.Edge.Limits;

public sealed class TokenBucketTests
{
    private readonly FakeTimeProvider _clock = new();

    private long Now => _clock.GetTimestamp();

    private long Frequency => _clock.TimestampFrequency;

    [Property(MaxTest = 500)]
    public bool Any_time_span_gives_at_most_the_burst_plus_the_rate_for_the_span(
        byte perSecond,
        byte burst,
        ushort[] pauses
    )
    {
        var rate = new Rate(perSecond + 1, burst + 1);
        var bucket = new TokenBucket();
        var given = new List<TimeSpan>();
        var at = TimeSpan.Zero;
        foreach (var pause in pauses.SelectMany(pause => new[] { pause, 0, 0 }))
        {
            _clock.Advance(TimeSpan.FromMilliseconds(pause));
            at += TimeSpan.FromMilliseconds(pause);
            if (bucket.TryTake(rate, Now, Frequency))
            {
                given.Add(at);
            }
        }

        return given
            .Index()
            .All(first =>
                given
                    .Index()
                    .Skip(first.Index)
                    .All(last =>
                        last.Index - first.Index + 1
                        <= rate.Burst + Math.Ceiling((last.Item - first.Item).TotalSeconds * rate.PerSecond)
                    )
            );
    }

    [Property(MaxTest = 500)]
    public bool The_next_token_is_available_exactly_at_the_reported_time(byte perSecond, byte burst, byte debt)
    {
        var rate = new Rate(perSecond + 1, burst + 1);
        var bucket = new TokenBucket();
        while (bucket.TryTake(rate, Now, Frequency)) { }

        for (var i = 0; i < debt; i++)
        {
            bucket.Charge(rate, Now, Frequency);
        }

        var wait = bucket.Peek(rate, Now, Frequency).Next;
        _clock.Advance(wait - TimeSpan.FromTicks(1));
        var early = bucket.TryTake(rate, Now, Frequency);
        _clock.Advance(TimeSpan.FromTicks(1));
        return !early && bucket.TryTake(rate, Now, Frequency);
    }

    [Property(MaxTest = 500)]
    public bool Exactly_the_remaining_tokens_can_be_taken_at_once(byte perSecond, byte burst, byte taken)
    {
        var rate = new Rate(perSecond + 1, burst + 1);
        var bucket = new TokenBucket();
        for (var i = 0; i < taken; i++)
        {
            bucket.TryTake(rate, Now, Frequency);
        }

        var remaining = bucket.Peek(rate, Now, Frequency).Remaining;
        var got = 0;
        while (bucket.TryTake(rate, Now, Frequency))
        {
            got++;
        }

        return got == remaining && remaining == Math.Max(0, rate.Burst - taken);
    }

    [Fact]
    public void Charges_go_at_most_one_burst_below_zero()
    {
        var rate = new Rate(10, 20);
        var bucket = new TokenBucket();
        for (var i = 0; i < 10_000; i++)
        {
            bucket.Charge(rate, Now, Frequency);
        }

        Assert.Equal(TimeSpan.FromSeconds(2.1), bucket.Peek(rate, Now, Frequency).Next);
        _clock.Advance(TimeSpan.FromSeconds(4));
        Assert.True(bucket.IsFull(Now));
    }
}

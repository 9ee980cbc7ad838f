using FsCheck.Xunit;
using Scheduler.Domain.Keys;
using Xunit;

namespace Scheduler.DomainTests.Keys;

public sealed class OpenSessionsTests
{
    /// <summary>Every session of a process ends this long after its sign-in.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(60);

    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Property(MaxTest = 20, EndSize = 10)]
    public void A_session_that_began_is_listed_until_it_is_over_or_was_ended_and_never_both(
        (byte Begins, byte Ends)[] steps
    )
    {
        var (key, now) = (new KeyRecord { SecretSha256 = "00" }, Noon);
        var begun = new List<KeySession>();
        foreach (var (begins, ends) in steps)
        {
            for (var i = 0; i < begins % 40; i++)
            {
                begun.Add(new KeySession($"s-{begun.Count}", now + Limit));
                key = key.WithSession(begun[^1], now);
                Assert.Contains(key.SessionsAt(now), open => open.Id == begun[^1].Id);
            }

            key = key.WithoutSessions([.. key.SessionsAt(now).Take(ends % 5).Select(open => open.Id)], now);
            now = now.AddMinutes(1 + (ends % 7));
            var listed = key.SessionsAt(now).Select(open => open.Id).ToHashSet();
            Assert.InRange(listed.Count, 0, OpenSessions.Capacity);
            foreach (var session in begun.Where(session => session.EndsAt > now))
            {
                Assert.NotEqual(listed.Contains(session.Id), key.EndedSessions?.Contains(session) is true);
            }
        }
    }

    [Fact]
    public void One_session_too_many_ends_the_one_that_would_end_first()
    {
        var key = new KeyRecord();
        for (var i = 0; i <= OpenSessions.Capacity; i++)
        {
            key = key.WithSession(new KeySession($"s-{i}", Noon.AddMinutes(i + 1)), Noon);
        }

        Assert.Equal(OpenSessions.Capacity, key.SessionsAt(Noon).Length);
        Assert.True(key.EndedSessions!.Contains(new KeySession("s-0", Noon.AddMinutes(1))));
        Assert.False(key.EndedSessions!.Contains(new KeySession("s-1", Noon.AddMinutes(2))));
    }
}

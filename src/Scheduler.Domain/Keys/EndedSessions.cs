using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Scheduler.Domain.Keys;

/// <summary>The sessions of a key that their holders ended before their time. Its size is bounded.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.EndedSessions")]
public sealed record EndedSessions
{
    /// <summary>Most sessions that are remembered one by one.</summary>
    public const int Capacity = 100;

    public static EndedSessions None { get; } = new();

    [Id(0)]
    public ImmutableArray<KeySession> Sessions { get; init; } = [];

    /// <summary>
    /// Every session that ends by itself at this moment or before has ended; null for none. It replaces the entries above
    /// <see cref="Capacity"/>, and so may end a session too early, never too late.
    /// </summary>
    [Id(1), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? UpTo { get; init; }

    public bool Contains(KeySession session) =>
        session.EndsAt <= UpTo || Sessions.Any(ended => string.Equals(ended.Id, session.Id, StringComparison.Ordinal));

    /// <summary>Adds a session, and forgets those that are over by themselves.</summary>
    public EndedSessions With(KeySession session, DateTimeOffset now)
    {
        var sessions = Sessions
            .Where(ended => ended.EndsAt > now && !string.Equals(ended.Id, session.Id, StringComparison.Ordinal))
            .Append(session)
            .OrderBy(ended => ended.EndsAt)
            .ToImmutableArray();
        var surplus = Math.Max(0, sessions.Length - Capacity);
        var upTo = surplus > 0 && !(UpTo >= sessions[surplus - 1].EndsAt) ? sessions[surplus - 1].EndsAt : UpTo;
        return new EndedSessions { Sessions = sessions[surplus..], UpTo = upTo > now ? upTo : null };
    }
}

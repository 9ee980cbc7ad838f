using System.Collections.Immutable;

namespace Scheduler.Domain.Keys;

/// <summary>The rules for the sessions of a key: what its record says after one begins or ends.</summary>
public static class OpenSessions
{
    /// <summary>Most open sessions of a key; one more ends the one that would end first.</summary>
    public const int Capacity = 100;

    /// <summary>The sessions that are open at a moment, the newest first.</summary>
    public static ImmutableArray<OpenSession> SessionsAt(this KeyRecord key, DateTimeOffset now) =>
        [
            .. (key.Sessions.IsDefault ? [] : key.Sessions)
                .Where(open =>
                    open.EndsAt > now && key.EndedSessions?.Contains(new KeySession(open.Id, open.EndsAt)) is not true
                )
                .OrderByDescending(open => open.BeganAt)
                .ThenBy(open => open.Id, StringComparer.Ordinal),
        ];

    /// <summary>Adds a session that begins now.</summary>
    public static KeyRecord WithSession(this KeyRecord key, KeySession session, DateTimeOffset now)
    {
        var open = key.SessionsAt(now)
            .Add(new OpenSession(session.Id, now, session.EndsAt))
            .OrderBy(one => one.EndsAt)
            .ToList();
        var surplus = Math.Max(0, open.Count - Capacity);
        var next = key with { SchemaVersion = KeyRecord.CurrentSchemaVersion, Sessions = [.. open] };
        return next.WithoutSessions([.. open.Take(surplus).Select(one => one.Id)], now);
    }

    /// <summary>Ends sessions: they are refused although their cookie is still valid.</summary>
    public static KeyRecord WithoutSessions(this KeyRecord key, ImmutableArray<string> ids, DateTimeOffset now)
    {
        var open = key.SessionsAt(now);
        var ended = key.EndedSessions ?? EndedSessions.None;
        foreach (var one in open.Where(one => ids.Contains(one.Id, StringComparer.Ordinal)))
        {
            ended = ended.With(new KeySession(one.Id, one.EndsAt), now);
        }

        return key with
        {
            SchemaVersion = KeyRecord.CurrentSchemaVersion,
            Sessions = [.. open.Where(one => !ids.Contains(one.Id, StringComparer.Ordinal))],
            EndedSessions = ended == EndedSessions.None ? key.EndedSessions : ended,
        };
    }
}

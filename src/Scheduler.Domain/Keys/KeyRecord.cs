using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Keys;

/// <summary>Stored state of one API key. Contains only the SHA-256 of the secret. State name <c>key</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.KeyRecord")]
public sealed record KeyRecord : IStoredState
{
    /// <summary>The newest shape that this build reads: with <see cref="Sessions"/>.</summary>
    public const int CurrentSchemaVersion = 4;

    /// <summary>The shape of a record without <see cref="Sessions"/>, which older builds read as well.</summary>
    private const int SchemaVersionWithoutSessions = 3;

    [Id(0)]
    public int SchemaVersion { get; init; } = SchemaVersionWithoutSessions;

    /// <summary>Public half of the key: <c>key-…</c>.</summary>
    [Id(1)]
    public string Id { get; init; } = "";

    /// <summary>The owning account; null for an operator key, which can access all accounts.</summary>
    [Id(2)]
    public AccountId? Account { get; init; }

    [Id(3)]
    public string DisplayName { get; init; } = "";

    /// <summary>SHA-256 of the secret half, hexadecimal.</summary>
    [Id(4)]
    public string SecretSha256 { get; init; } = "";

    [Id(5)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Null while the key is valid.</summary>
    [Id(6)]
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>Last use, accurate to about a minute; null for an unused key.</summary>
    [Id(7)]
    public DateTimeOffset? LastUsedAt { get; init; }

    [Id(8)]
    public DateTimeOffset? WakeAt { get; init; }

    [Id(9)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    [Id(10)]
    public long LastSequence { get; init; }

    /// <summary>Set once, on creation.</summary>
    [Id(11), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public KeyRole Role { get; init; }

    /// <summary>Sessions that ended before their time; null for none.</summary>
    [Id(12), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public EndedSessions? EndedSessions { get; init; }

    /// <summary>Sessions that have not ended, and some that are over by themselves; see <see cref="OpenSessions"/>.</summary>
    [Id(13)]
    public ImmutableArray<OpenSession> Sessions { get; init; }

    [JsonIgnore]
    public bool Exists => SecretSha256.Length > 0;
}

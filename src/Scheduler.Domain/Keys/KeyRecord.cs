using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Keys;

/// <summary>Everything stored of one API key; never the secret, only its SHA-256. State name <c>key</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.KeyRecord")]
public sealed record KeyRecord : IStoredState
{
    /// <summary>The shape this code writes.</summary>
    public const int CurrentSchemaVersion = 2;

    /// <inheritdoc/>
    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>The public half of the key, shown everywhere: <c>key-…</c>.</summary>
    [Id(1)]
    public string Id { get; init; } = "";

    /// <summary>Whose; null for an operator key, which sees all accounts.</summary>
    [Id(2)]
    public AccountId? Account { get; init; }

    /// <summary>For people.</summary>
    [Id(3)]
    public string DisplayName { get; init; } = "";

    /// <summary>SHA-256 of the secret half, hexadecimal.</summary>
    [Id(4)]
    public string SecretSha256 { get; init; } = "";

    /// <summary>When it was created.</summary>
    [Id(5)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was revoked; null while it is good.</summary>
    [Id(6)]
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>When it was last used, to about a minute; null when never.</summary>
    [Id(7)]
    public DateTimeOffset? LastUsedAt { get; init; }

    /// <inheritdoc/>
    [Id(8)]
    public DateTimeOffset? WakeAt { get; init; }

    /// <inheritdoc/>
    [Id(9)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    /// <summary>Sequence number of the latest event.</summary>
    [Id(10)]
    public long LastSequence { get; init; }

    /// <summary>What it may do. Set once, by the create.</summary>
    [Id(11), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public KeyRole Role { get; init; }

    /// <summary>Whether there is such a key at all.</summary>
    [JsonIgnore]
    public bool Exists => SecretSha256.Length > 0;
}

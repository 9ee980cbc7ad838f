using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Secrets;

/// <summary>All secrets of one account, encrypted. State name <c>secrets</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.SecretSet")]
public sealed record SecretSet : IStoredState
{
    /// <summary>The shape this code writes.</summary>
    public const int CurrentSchemaVersion = 1;

    /// <summary>Secrets that an account may have. With values of the greatest length the state stays below 3 MB.</summary>
    public const int MostSecrets = 128;

    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    [Id(1)]
    public AccountId Account { get; init; }

    /// <summary>In order of name.</summary>
    [Id(2)]
    public ImmutableArray<StoredSecret> Secrets { get; init; } = [];

    [Id(3)]
    public DateTimeOffset? WakeAt { get; init; }

    [Id(4)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    /// <summary>Sequence number of the latest event.</summary>
    [Id(5)]
    public long LastSequence { get; init; }

    /// <summary>Whether the account never had a secret.</summary>
    [JsonIgnore]
    public bool IsBlank => Secrets.IsEmpty && LastSequence == 0;

    public StoredSecret? Find(string name) => Secrets.FirstOrDefault(secret => secret.Name == name);
}

/// <summary>One secret as it is stored. No answer of the API contains it; see <see cref="SecretView"/>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.StoredSecret")]
public sealed record StoredSecret
{
    /// <summary>Unique in the account.</summary>
    [Id(0)]
    public string Name { get; init; } = "";

    /// <summary>Counts its values, from 1.</summary>
    [Id(1)]
    public long Version { get; init; }

    [Id(2)]
    public SealedValue Sealed { get; init; } = new();

    [Id(3)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When its value was last replaced.</summary>
    [Id(4)]
    public DateTimeOffset UpdatedAt { get; init; }

    public SecretView ToView(AccountId account) => new(account, Name, Version, CreatedAt, UpdatedAt, Sealed.MasterKey);
}

/// <summary>What people may see of a secret: all but its value.</summary>
/// <param name="MasterKey">Id of the master key that encrypts it.</param>
[GenerateSerializer, Immutable, Alias("scheduler.SecretView")]
public sealed record SecretView(
    [property: Id(0)] AccountId Account,
    [property: Id(1)] string Name,
    [property: Id(2)] long Version,
    [property: Id(3)] DateTimeOffset CreatedAt,
    [property: Id(4)] DateTimeOffset UpdatedAt,
    [property: Id(5)] string MasterKey
);

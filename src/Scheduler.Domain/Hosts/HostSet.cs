using System.Collections.Immutable;
using Scheduler.Domain.Events;
using Scheduler.Domain.Secrets;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Hosts;

/// <summary>All joined hosts, the join tokens, and the authority of their certificates. State name <c>hosts</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.HostSet")]
public sealed record HostSet : IStoredState
{
    /// <summary>The shape this code writes.</summary>
    public const int CurrentSchemaVersion = 1;

    /// <summary>Hosts that may join. A host takes less than 1 kB of the state.</summary>
    public const int MostHosts = 1000;

    /// <summary>Tokens that exist at one time.</summary>
    public const int MostTokens = 100;

    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>In order of name.</summary>
    [Id(1)]
    public ImmutableArray<JoinedHost> Hosts { get; init; } = [];

    /// <summary>In order of creation. Used and expired ones leave with the next write.</summary>
    [Id(2)]
    public ImmutableArray<StoredJoinToken> Tokens { get; init; } = [];

    /// <summary>The certificate of the authority, PEM; null before the first token.</summary>
    [Id(3)]
    public string? Authority { get; init; }

    /// <summary>Its private key, PEM, encrypted; null before the first token.</summary>
    [Id(4)]
    public SealedValue? AuthorityKey { get; init; }

    [Id(5)]
    public DateTimeOffset? WakeAt { get; init; }

    [Id(6)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    [Id(7)]
    public long LastSequence { get; init; }

    public JoinedHost? Find(string name) => Hosts.FirstOrDefault(host => host.Name == name);
}

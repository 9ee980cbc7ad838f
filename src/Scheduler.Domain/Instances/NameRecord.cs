using System.Collections.Immutable;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Instances;

/// <summary>The holder of a serving name. State name <c>name</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.NameRecord")]
public sealed record NameRecord : IStoredState
{
    public const int CurrentSchemaVersion = 1;

    /// <inheritdoc/>
    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>The instance or balancer; null when the name is free.</summary>
    [Id(1)]
    public NameHolder? Holder { get; init; }

    [Id(2)]
    public DateTimeOffset ClaimedAt { get; init; }

    /// <inheritdoc/>
    [Id(3)]
    public DateTimeOffset? WakeAt { get; init; }

    /// <inheritdoc/>
    [Id(4)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];
}

using System.Collections.Immutable;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Providers;

/// <summary>What is kept of a provider across restarts: the drain switch and the routes that timed out. State name <c>provider</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ProviderRecord")]
public sealed record ProviderRecord : IStoredState
{
    /// <summary>The shape this code writes.</summary>
    public const int CurrentSchemaVersion = 1;

    /// <inheritdoc/>
    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>Which provider.</summary>
    [Id(1)]
    public ProviderId Id { get; init; }

    /// <summary>Whether an operator took it out of placement.</summary>
    [Id(2)]
    public bool Draining { get; init; }

    /// <summary>Routes that failed, and until when they rank last for everybody.</summary>
    [Id(3)]
    public ImmutableArray<CoolingRoute> Cooling { get; init; } = [];

    /// <inheritdoc/>
    [Id(4)]
    public DateTimeOffset? WakeAt { get; init; }

    /// <inheritdoc/>
    [Id(5)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    /// <summary>Sequence number of the latest event.</summary>
    [Id(6)]
    public long LastSequence { get; init; }
}

/// <summary>A route that timed out or was refused.</summary>
/// <param name="Route">Which.</param>
/// <param name="Until">Until when it ranks last, whoever starts.</param>
[GenerateSerializer, Immutable, Alias("scheduler.CoolingRoute")]
public sealed record CoolingRoute([property: Id(0)] Route Route, [property: Id(1)] DateTimeOffset Until);

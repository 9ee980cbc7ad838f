using System.Collections.Immutable;
using Scheduler.Domain.Placement;

namespace Scheduler.Grains.Providers;

/// <summary>Drives a provider grain: every silo calls it every second, and the grain decides what is due.</summary>
[Alias("scheduler.IProviderTending")]
[GrainInterfaceType("scheduler.provider.tending")]
internal interface IProviderMaintenance : IGrainWithStringKey
{
    /// <summary>Lists offers, sweeps and publishes as far as each is due; restarts the watch if it ended.</summary>
    [Alias("Tend")]
    Task MaintainAsync();

    /// <summary>The placement data of the provider, for the offer catalogues of other silos.</summary>
    /// <param name="known">The version the calling silo has; offers it knows are not sent again.</param>
    /// <returns>Null until the first listing.</returns>
    [Alias("Sheet"), AlwaysInterleave]
    Task<ProviderSnapshot?> GetSnapshotAsync(SnapshotVersion known);
}

/// <summary>Version of a provider's placement data.</summary>
/// <param name="Activation">The publisher; numbers of different activations cannot be compared.</param>
[GenerateSerializer, Immutable, Alias("scheduler.SheetEdition")]
internal readonly record struct SnapshotVersion([property: Id(0)] string? Activation, [property: Id(1)] long Number)
{
    /// <summary>Whether this is later than the other version, or from another activation.</summary>
    public bool IsNewerThan(SnapshotVersion other) => Activation != other.Activation || Number > other.Number;
}

/// <param name="Offers">Its offers; null when the caller has them already, or none were ever listed.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ProviderSheet")]
internal sealed record ProviderSnapshot(
    [property: Id(0)] SnapshotVersion Version,
    [property: Id(1)] ImmutableArray<Offer>? Offers,
    [property: Id(2)] ProviderStatus Status
);

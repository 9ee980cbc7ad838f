using System.Collections.Immutable;
using Scheduler.Domain.Placement;

namespace Scheduler.Grains.Providers;

/// <summary>What keeps a provider grain going: every silo calls it every second; the grain decides what is due.</summary>
[Alias("scheduler.IProviderTending")]
[GrainInterfaceType("scheduler.provider.tending")]
internal interface IProviderTending : IGrainWithStringKey
{
    /// <summary>Lists offers, sweeps, forgets what has cooled, as far as each is due; sees that the watch runs.</summary>
    [Alias("Tend")]
    Task TendAsync();

    /// <summary>What placement is to know of the provider: for the offer books of the silos the grain does not live in.</summary>
    /// <param name="known">What the asking silo has; offers it knows are not sent again.</param>
    /// <returns>Null as long as nothing was listed.</returns>
    [Alias("Sheet"), AlwaysInterleave]
    Task<ProviderSheet?> SheetAsync(SheetEdition known);
}

/// <summary>Which state of a provider a book has.</summary>
/// <param name="Activation">The activation that published it; numbers of different ones cannot be compared.</param>
/// <param name="Number">Counts what that activation published.</param>
[GenerateSerializer, Immutable, Alias("scheduler.SheetEdition")]
internal readonly record struct SheetEdition([property: Id(0)] string? Activation, [property: Id(1)] long Number)
{
    /// <summary>Whether this is later than another, or from another activation.</summary>
    public bool IsNewsTo(SheetEdition other) => Activation != other.Activation || Number > other.Number;
}

/// <summary>What placement is to know of a provider.</summary>
/// <param name="Edition">Which state this is.</param>
/// <param name="Offers">Its offers; null when the asker has them, or none were ever listed.</param>
/// <param name="Standing">How it stands.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ProviderSheet")]
internal sealed record ProviderSheet(
    [property: Id(0)] SheetEdition Edition,
    [property: Id(1)] ImmutableArray<Offer>? Offers,
    [property: Id(2)] ProviderStanding Standing
);

using System.Collections.Frozen;
using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;

namespace Scheduler.Grains.Providers;

/// <summary>The offers and names of some providers: what accounts that may use these see. Immutable.</summary>
internal sealed class OfferView
{
    private readonly FrozenSet<ProviderId> _providers;

    private OfferView(FrozenSet<ProviderId> providers, OfferCataloguePage page, SpecNames names) =>
        (_providers, Page, Names) = (providers, page, names);

    public OfferCataloguePage Page { get; }

    /// <summary>The names that a launch spec may use: those of every offer since the start of the silo, and of the settings.</summary>
    public SpecNames Names { get; }

    public static OfferView Of(IEnumerable<ProviderId> providers, ProviderDirectory directory)
    {
        var seen = providers.ToFrozenSet();
        return new OfferView(
            seen,
            new OfferCataloguePage(OfferSnapshot.Empty, PlacementState.None),
            SpecNames.Of(seen.Select(id => id.Value), directory.Presets.Select(preset => preset.Name))
        );
    }

    /// <summary>With the new offers of a provider; null keeps those that are known.</summary>
    /// <param name="isListed">Whether a provider has listed its offers since the start of the silo.</param>
    public OfferView With(
        ProviderId provider,
        ImmutableArray<Offer>? offers,
        PlacementState state,
        Func<ProviderId, bool> isListed
    )
    {
        if (offers is not { } listed || !_providers.Contains(provider))
        {
            return new OfferView(_providers, Page with { State = state }, Names);
        }

        var snapshot = Page.Snapshot.WithProvider(provider, listed, Page.Snapshot.Epoch + 1);
        return new OfferView(
            _providers,
            new OfferCataloguePage(snapshot, state),
            Names.With(snapshot, _providers.All(isListed))
        );
    }
}

/// <summary>The input of placement at one moment.</summary>
internal sealed record OfferCataloguePage(OfferSnapshot Snapshot, PlacementState State);

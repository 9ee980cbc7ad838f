using System.Collections.Immutable;
using System.Globalization;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Grains;
using Scheduler.Grains.Providers;
using Scheduler.Grains.Queries;

namespace Scheduler.Dashboard.Providers;

/// <summary>Offers available now, cheapest first, filtered, in pages. Every view has its own URL.</summary>
public sealed partial class OffersPage
{
    private const int Rows = 50;

    private OfferPage _page = new([], 0, 0);
    private ImmutableArray<ProviderView> _providers = [];
    private ImmutableArray<GpuTypeView> _gpuTypes = [];
    private string? _fault;

    [SupplyParameterFromQuery]
    private string? Provider { get; set; }

    [SupplyParameterFromQuery]
    private string? Region { get; set; }

    [SupplyParameterFromQuery]
    private string? Gpu { get; set; }

    [SupplyParameterFromQuery(Name = "max_price")]
    private string? Max { get; set; }

    [SupplyParameterFromQuery]
    private string? Skip { get; set; }

    private bool IsFiltered => new[] { Provider, Region, Gpu, Max }.Any(filter => !string.IsNullOrEmpty(filter));

    private int SkipRows =>
        int.TryParse(Skip, NumberStyles.None, CultureInfo.InvariantCulture, out var skip) ? skip : 0;

    private long Reached => (long)SkipRows + _page.Offers.Length;

    private string? NextAddress => Reached < _page.Total ? Address((int)Reached) : null;

    private string Shown =>
        $"{Units.Count(SkipRows + 1L)} to {Units.Count(Reached)} of {Units.Count(_page.Total)} "
        + $"{(_page.Total == 1 ? "offer" : "offers")}, catalogue {_page.CatalogueEpoch}";

    protected override async Task LoadAsync()
    {
        MicroEuro? most = null;
        if (!string.IsNullOrWhiteSpace(Max))
        {
            if (EuroText.TryParse(Max.Trim(), out var price))
            {
                most = price;
            }
            else
            {
                _fault = $"Must be {EuroText.Accepted}; the filter is ignored.";
            }
        }

        var fleet = Grains.Fleet();
        var query = new OfferQuery(Given(Provider), Given(Region), Given(Gpu), most, SkipRows, Rows, AccessScope);
        _page = await fleet.ListOffersAsync(query).WaitAsync(Http.RequestAborted);
        _providers = await fleet.ListProvidersAsync(AccessScope).WaitAsync(Http.RequestAborted);
        _gpuTypes = await fleet.ListGpuTypesAsync().WaitAsync(Http.RequestAborted);
    }

    private static string? Given(string? text) => text?.Trim() is { Length: > 0 } given ? given : null;

    private string Address(int skip) =>
        DashboardSetup.Root
        + "/offers"
        + QueryString.Create(
            new KeyValuePair<string, string?>[]
            {
                new("provider", Provider),
                new("region", Region),
                new("gpu", Gpu),
                new("max_price", Max),
                new("skip", skip > 0 ? skip.ToString(CultureInfo.InvariantCulture) : null),
            }.Where(part => !string.IsNullOrEmpty(part.Value))
        );

    /// <summary>Why no launch is placed on an offer of this provider now; null where launches are.</summary>
    private string? OutOfService(Offer offer) =>
        _providers.FirstOrDefault(provider => provider.Id == offer.Provider) switch
        {
            { Draining: true } => "drained",
            { Breaker: BreakerState.Open } => "paused",
            _ => null,
        };

    private static string PerGpu(Offer offer) =>
        $"{Units.Euros(new MicroEuro(offer.PricePerHour.Value / Math.Max(1, offer.GpuCount)))} EUR/h";

    private static string Quote(QuotedPrice quoted) =>
        $"{Units.Euros(new MicroEuro(quoted.MicroUnitsPerHour))} {quoted.Currency}/h";

    private static string LaunchLabel(Offer offer) =>
        $"Launch on {offer.GpuCount}×{offer.GpuType} at {offer.Provider} in {offer.Region}";
}

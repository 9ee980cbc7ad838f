using Microsoft.AspNetCore.Components;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Providers;

namespace Scheduler.Dashboard.Providers;

/// <summary>One provider: health, catalogue, and whether new launches are placed on it.</summary>
public sealed partial class ProviderPage
{
    private ProviderView _provider = new();
    private CoolingRoute[] _cooling = [];

    [Parameter]
    public string Id { get; set; } = "";

    private bool IsOpen => _provider.Breaker == BreakerState.Open;

    private string Rate =>
        _provider.Attempts == 0 ? "–" : Units.Percent((double)_provider.Successes / _provider.Attempts);

    protected override async Task LoadAsync()
    {
        var what = $"providers/{Id}";
        _provider = Grammar.IsProviderId(Id)
            ? (await AskAsync(Grains.Provider(new ProviderId(Id)).GetAsync(AccessScope), what)).For(Caller)
            : throw new ApiException(ApiError.NotFound(what));
        _cooling = [.. _provider.CoolingRoutes.Where(cooling => cooling.Until > Now).OrderBy(cooling => cooling.Until)];
    }

    private string Path(string action) => $"{DashboardSetup.Root}/providers/{Id}/{action}";
}

using System.Collections.Immutable;
using Scheduler.Grains;
using Scheduler.Grains.Providers;

namespace Scheduler.Dashboard.Providers;

/// <summary>All providers as they stand.</summary>
public sealed partial class ProvidersPage
{
    private ImmutableArray<ProviderView> _providers = [];

    /// <inheritdoc/>
    protected override async Task LoadAsync() =>
        _providers = await Grains.Fleet().ListProvidersAsync().WaitAsync(Http.RequestAborted);
}

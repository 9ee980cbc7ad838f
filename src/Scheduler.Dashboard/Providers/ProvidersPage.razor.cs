using System.Collections.Immutable;
using Scheduler.Grains;
using Scheduler.Grains.Providers;

namespace Scheduler.Dashboard.Providers;

public sealed partial class ProvidersPage
{
    private ImmutableArray<ProviderView> _providers = [];

    protected override async Task LoadAsync() =>
        _providers = [
            .. (await Grains.Fleet().ListProvidersAsync(AccessScope).WaitAsync(Http.RequestAborted)).Select(provider =>
                provider.For(Caller)
            ),
        ];
}

using System.Collections.Immutable;
using Microsoft.AspNetCore.Components;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Grains;
using Scheduler.Grains.Providers;
using Scheduler.Grains.Queries;

namespace Scheduler.Dashboard.Fleet;

/// <summary>
/// Overview: instance counts by state, latest failures with hints, launches in progress, and providers.
/// </summary>
public sealed partial class FleetPage
{
    private const int Latest = 8;
    private const int Buckets = 48;

    private static readonly ImmutableArray<(string Name, string Words, TimeSpan Length)> Windows =
    [
        ("1h", "1 hour", TimeSpan.FromHours(1)),
        ("1d", "1 day", TimeSpan.FromDays(1)),
        ("7d", "7 days", TimeSpan.FromDays(7)),
        ("30d", "30 days", TimeSpan.FromDays(30)),
    ];

    private (string Name, string Words, TimeSpan Length) _window = Windows[1];
    private FleetOverview _overview = new();
    private ImmutableArray<InstanceRecord> _failed = [];
    private ImmutableArray<InstanceRecord> _inFlight = [];
    private ImmutableArray<ProviderView> _providers = [];

    [SupplyParameterFromQuery]
    private string? Window { get; set; }

    private static readonly ImmutableArray<InstanceState> Launching =
    [
        .. Enum.GetValues<InstanceState>().Where(state => state.IsLaunching()),
    ];

    private long InFlight => Launching.Sum(Of);

    protected override async Task LoadAsync()
    {
        _window = Windows.FirstOrDefault(window => window.Name == Window, Windows[1]);
        var fleet = Grains.Fleet();
        var overview = fleet.OverviewAsync(AccessScope, _window.Length, Buckets);
        var failed = ListAsync(InstanceSort.RecentlyChanged, InstanceState.Failed);
        var inFlight = ListAsync(InstanceSort.RecentlyChanged, Launching);
        var providers = fleet.ListProvidersAsync(AccessScope);
        await Task.WhenAll(overview, failed, inFlight, providers).WaitAsync(Http.RequestAborted);
        (_overview, _failed, _inFlight) = (await overview, await failed, await inFlight);
        _providers =
        [
            .. (await providers)
                .Select(provider => provider.For(Caller))
                .OrderBy(Trouble)
                .ThenBy(provider => provider.Id.Value, StringComparer.Ordinal),
        ];
    }

    /// <summary>Sort key: providers with problems first.</summary>
    private static int Trouble(ProviderView provider) =>
        provider.ListingError is not null || provider.Breaker != BreakerState.Closed ? 0
        : provider.Draining || !provider.CoolingRoutes.IsEmpty || provider.Successes < provider.Attempts ? 1
        : provider.Attempts > 0 ? 2
        : 3;

    private async Task<ImmutableArray<InstanceRecord>> ListAsync(
        InstanceSort sort,
        params ImmutableArray<InstanceState> states
    )
    {
        var query = new InstanceQuery
        {
            Account = AccessScope,
            States = states,
            Sort = sort,
            Limit = Latest,
        };
        return (await Grains.Fleet().ListInstancesAsync(query)).Instances;
    }

    private long Of(InstanceState state) => _overview.Instances.GetValueOrDefault(state);

    private string Count(InstanceState state) => Units.Count(Of(state));
}

using Microsoft.AspNetCore.Components;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Grains;

namespace Scheduler.Dashboard.Instances;

/// <summary>
/// All instances in the caller's access scope: filtered, sorted, in pages. Every view has its own URL.
/// </summary>
public sealed partial class InstancesPage
{
    private const int PageSize = 50;

    /// <summary>Counting stops here, because an exact larger number is not worth its cost.</summary>
    private const int MostCounted = 10_000;

    private InstancePage _page = new([], null);
    private long _count;
    private MicroEuro _burn;
    private ListAddress _view = new();

    [SupplyParameterFromQuery]
    private string? Q { get; set; }

    [SupplyParameterFromQuery]
    private string? State { get; set; }

    [SupplyParameterFromQuery]
    private string? Code { get; set; }

    [SupplyParameterFromQuery]
    private string? Provider { get; set; }

    [SupplyParameterFromQuery]
    private string? Region { get; set; }

    [SupplyParameterFromQuery]
    private string? Gpu { get; set; }

    [SupplyParameterFromQuery]
    private string? Account { get; set; }

    [SupplyParameterFromQuery]
    private string? Sort { get; set; }

    [SupplyParameterFromQuery]
    private string? After { get; set; }

    private string CountText =>
        _count >= MostCounted ? $"More than {Units.Count(MostCounted)} instances"
        : _count == 1 ? "1 instance"
        : $"{Units.Count(_count)} instances";

    /// <summary>Burn rate of all instances that match, on every page of the list.</summary>
    private string BurnText =>
        $"{(_count >= MostCounted ? "at least " : "")}{Units.Euros(_burn)} EUR/h burn rate in total";

    protected override async Task LoadAsync()
    {
        _view = new ListAddress
        {
            Text = Q,
            State = State,
            Code = Code,
            Provider = Provider,
            Region = Region,
            Gpu = Gpu,
            Account = Account,
            Sort = Sort,
            After = After,
        };
        var query = _view.Query(ScopeOf(Account), PageSize);
        var page = Grains.Fleet().ListInstancesAsync(query);
        var count = Grains.Fleet().CountInstancesAsync(query, MostCounted);
        var burn = Grains.Fleet().BurnOfInstancesAsync(query, MostCounted);
        await Task.WhenAll(page, count, burn).WaitAsync(Http.RequestAborted);
        (_page, _count, _burn) = (await page, await count, await burn);
    }

    private string? Current(string sort) => _view.Sort == sort ? "true" : null;

    private static string Route(Offer offer) =>
        $"{offer.Provider} · {offer.Region} · {offer.GpuCount} × {offer.GpuType}";
}

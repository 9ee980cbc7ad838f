using Microsoft.AspNetCore.Components;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Grains;

namespace Scheduler.Dashboard.Instances;

/// <summary>All instances that these eyes may see, filtered, in pages; every view has its own address.</summary>
public sealed partial class InstancesPage
{
    private InstancePage _page = new([], null);

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

    private bool IsFiltered =>
        new[] { Q, State, Code, Provider, Region, Gpu, Account }.Any(filter => !string.IsNullOrEmpty(filter));

    /// <inheritdoc/>
    protected override async Task OnInitializedAsync()
    {
        var query = new InstanceQuery
        {
            Account = ScopeOf(Account),
            States = InstanceWords.TryParse(State, out var state) ? [state] : [],
            Code = FailureCodes.TryParse(Code ?? "", out var code) ? code : FailureCode.None,
            Provider = Provider,
            Region = Region,
            GpuType = Gpu,
            Text = Q,
            Limit = 100,
        };
        _page = await Grains.Fleet().ListInstancesAsync(query).WaitAsync(Http.RequestAborted);
    }

    private static string Route(Offer offer) => $"{offer.Provider} · {offer.Region} · {offer.GpuCount}×{offer.GpuType}";
}

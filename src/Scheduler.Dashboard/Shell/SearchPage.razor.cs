using System.Collections.Immutable;
using System.Diagnostics;
using Microsoft.AspNetCore.Components;
using Scheduler.Grains;
using Scheduler.Grains.Queries;

namespace Scheduler.Dashboard.Shell;

/// <summary>What a search found, if it is not one thing.</summary>
public sealed partial class SearchPage
{
    private ImmutableArray<SearchHit> _hits = [];

    [SupplyParameterFromQuery]
    private string? Q { get; set; }

    protected override async Task LoadAsync()
    {
        var text = Q?.Trim() ?? "";
        if (Finding.IsSearchable(text))
        {
            _hits = await Grains.Fleet().SearchAsync(text, AccessScope).WaitAsync(Http.RequestAborted);
        }
    }

    private static string Words(SearchKind kind) =>
        kind switch
        {
            SearchKind.Instance => "Instances",
            SearchKind.Balancer => "Balancers",
            SearchKind.Account => "Accounts",
            SearchKind.Provider => "Providers",
            SearchKind.Region => "Regions",
            SearchKind.GpuType => "GPU types",
            SearchKind.Model => "Models",
            _ => throw new UnreachableException(),
        };
}

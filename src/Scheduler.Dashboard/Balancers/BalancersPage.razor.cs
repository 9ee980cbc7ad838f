using Microsoft.AspNetCore.Components;
using Scheduler.Dashboard.Instances;
using Scheduler.Domain.Balancers;
using Scheduler.Grains;

namespace Scheduler.Dashboard.Balancers;

/// <summary>All balancers in the caller's access scope, and whether each can serve a request now.</summary>
public sealed partial class BalancersPage
{
    /// <summary>Small, because the page reads every destination of every balancer.</summary>
    private const int Size = 25;

    private BalancerOverview[] _page = [];
    private string? _next;

    [SupplyParameterFromQuery]
    private string? Account { get; set; }

    [SupplyParameterFromQuery]
    private string? After { get; set; }

    private bool IsFirst => string.IsNullOrEmpty(After);

    private string First =>
        string.IsNullOrEmpty(Account)
            ? "/dashboard/balancers"
            : $"/dashboard/balancers?account={Uri.EscapeDataString(Account)}";

    protected override async Task LoadAsync()
    {
        var records = await Grains
            .Fleet()
            .ListBalancersAsync(ScopeOf(Account), After ?? "", Size + 1)
            .WaitAsync(Http.RequestAborted);
        _page = await Task.WhenAll(records.Take(Size).Select(SeeAsync));
        _next =
            records.Length > Size
                ? $"{First}{(First.Contains('?', StringComparison.Ordinal) ? '&' : '?')}after={records[Size - 1].Id}"
                : null;
    }

    private async Task<BalancerOverview> SeeAsync(BalancerRecord record)
    {
        var detail = await AskAsync(Grains.Balancer(record.Id).DetailAsync(AccessScope), record.ServingName);
        var spec = detail.Record.Spec;
        var instances = await NamedInstance.FindAllAsync(
            Grains,
            record.Account,
            spec.Destinations,
            Http.RequestAborted
        );
        return new BalancerOverview(detail, instances, Now);
    }
}

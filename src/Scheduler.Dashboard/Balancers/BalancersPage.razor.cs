using System.Collections.Immutable;
using Microsoft.AspNetCore.Components;
using Scheduler.Dashboard.Instances;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Ids;
using Scheduler.Grains;

namespace Scheduler.Dashboard.Balancers;

/// <summary>All balancers in the caller's access scope, and whether each can serve a request now.</summary>
public sealed partial class BalancersPage
{
    /// <summary>Small, because the page reads every destination of every balancer.</summary>
    private const int Size = 25;

    /// <summary>Destinations of the ready call.</summary>
    private const int Members = 2;

    private BalancerOverview[] _page = [];
    private string? _next;
    private AccountId? _owner;
    private ImmutableArray<string> _members = [];

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
        await ReadyAsync();
        _page = await Task.WhenAll(records.Take(Size).Select(SeeAsync));
        _next =
            records.Length > Size
                ? $"{First}{(First.Contains('?', StringComparison.Ordinal) ? '&' : '?')}after={records[Size - 1].Id}"
                : null;
    }

    /// <summary>Account and instances for the ready call: those of the list, else of the first account.</summary>
    private async Task ReadyAsync()
    {
        var fleet = Grains.Fleet();
        _owner = ScopeOf(Account);
        if (_owner is null)
        {
            var first = await fleet.ListAccountsAsync("", 1).WaitAsync(Http.RequestAborted);
            _owner = first.IsEmpty ? null : first[0].Id;
        }

        _members = _owner is { } owner
            ? await NamedInstance.SomeAsync(Grains, owner, Members, Http.RequestAborted)
            : [];
    }

    private string Call(AccountId owner)
    {
        var members = string.Join(',', _members.DefaultIfEmpty("chat").Select(name => $$"""{"instance":"{{name}}"}"""));
        return ReadyCall.Post(
            Http,
            $"/v1/accounts/{owner}/balancers",
            $$$"""
            {"serving_name":"all","spec":{"routing_mode":"ROUTING_MODE_ORDERED",
                "routes":[{"name":"main","target_group":"both","default":true}],
                "target_groups":[{"name":"both","policy":"GROUP_POLICY_LEAST_OUTSTANDING","members":[{{{members}}}]}]}}
            """
        );
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

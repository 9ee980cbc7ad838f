using System.Collections.Immutable;
using Microsoft.AspNetCore.Components;
using Scheduler.Dashboard.Instances;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Firewalls;

namespace Scheduler.Dashboard.Firewalls;

/// <summary>The firewalls of one account, each with its judge; an operator chooses the account.</summary>
public sealed partial class FirewallsPage
{
    private const int Size = 50;

    /// <summary>Most accounts to choose from; an operator enters the id of any other.</summary>
    private const int MostAccounts = 200;

    private AccountView? _account;
    private ImmutableArray<AccountView> _accounts = [];
    private FirewallRecord[] _page = [];
    private IReadOnlyDictionary<string, InstanceRecord?> _judges = ImmutableDictionary<string, InstanceRecord?>.Empty;
    private string? _next;

    /// <summary>Serving name of an instance that can be a judge; null if the account has none.</summary>
    private string? _candidate;

    [SupplyParameterFromQuery]
    private string? Account { get; set; }

    [SupplyParameterFromQuery]
    private string? After { get; set; }

    private bool IsFirst => string.IsNullOrEmpty(After);

    private string First => $"/dashboard/firewalls?account={_account?.Id}";

    protected override async Task LoadAsync()
    {
        if (Caller.IsOperator)
        {
            _accounts = await Grains.Fleet().ListAccountsAsync("", MostAccounts).WaitAsync(Http.RequestAborted);
        }

        if (ScopeOf(Account?.Trim()) is not { } asked)
        {
            return;
        }

        var id = Addressed.Account(asked.Value);
        _account = await AskAsync(Grains.Account(id).GetAsync(AccessScope), id.Value);
        var firewalls = await Grains.Firewalls(id).ListAsync(After ?? "", Size + 1).WaitAsync(Http.RequestAborted);
        _page = [.. firewalls.Take(Size)];
        _next = firewalls.Length > Size ? $"{First}&after={_page[^1].Slug}" : null;
        _candidate = (await NamedInstance.SomeAsync(Grains, id, 1, Http.RequestAborted)).FirstOrDefault();
        _judges = await NamedInstance.FindAllAsync(
            Grains,
            id,
            _page.Select(firewall => firewall.Draft!.Judge),
            Http.RequestAborted
        );
    }

    private string Call(AccountId owner) =>
        ReadyCall.Post(
            Http,
            $"/v1/accounts/{owner}/firewalls",
            $$"""{"firewall_id":"guard","mode":"FIREWALL_MODE_AUDIT","judge":"{{_candidate ?? "judge"}}","rules":["prompt-injection"]}"""
        );
}

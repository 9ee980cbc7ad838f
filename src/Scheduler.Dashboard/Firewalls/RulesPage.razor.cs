using System.Collections.Immutable;
using Microsoft.AspNetCore.Components;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Grains;
using Scheduler.Grains.Firewalls;

namespace Scheduler.Dashboard.Firewalls;

/// <summary>The rules that an account can use: its own and the built-in ones.</summary>
public sealed partial class RulesPage
{
    private const int Size = 100;

    private AccountId _account;
    private FirewallRuleRecord[] _page = [];
    private ImmutableArray<FirewallRecord> _firewalls = [];
    private string? _next;

    [SupplyParameterFromQuery]
    private string? Account { get; set; }

    [SupplyParameterFromQuery]
    private string? After { get; set; }

    private bool IsFirst => string.IsNullOrEmpty(After);

    private string Call =>
        ReadyCall.Post(
            Http,
            $"/v1/accounts/{_account}/rules",
            """{"rule_id":"internal-names","display_name":"Internal names","prompt":"Does it name an internal project?","category":"policy","severity":"RULE_SEVERITY_HIGH"}"""
        );

    private string First => $"/dashboard/firewalls/rules?account={_account}";

    protected override async Task LoadAsync()
    {
        if (ScopeOf(Account) is not { } asked)
        {
            Http.Response.Redirect("/dashboard/firewalls");
            return;
        }

        _account = Addressed.Account(asked.Value);
        await AskAsync(Grains.Account(_account).GetAsync(AccessScope), _account.Value);
        var grain = Grains.Firewalls(_account);
        var rules = await grain.ListRulesAsync(After ?? "", Size + 1).WaitAsync(Http.RequestAborted);
        _firewalls = await grain.ListAsync("", int.MaxValue).WaitAsync(Http.RequestAborted);
        _page = [.. rules.Take(Size)];
        _next = rules.Length > Size ? $"{First}&after={_page[^1].Slug}" : null;
    }

    private IEnumerable<string> UsersOf(string rule) =>
        _firewalls
            .Where(firewall => firewall.Draft!.Rules.Contains(rule, StringComparer.Ordinal))
            .Select(firewall => firewall.Slug);
}

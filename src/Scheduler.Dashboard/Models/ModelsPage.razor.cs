using Microsoft.AspNetCore.Components;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Ids;
using Scheduler.Grains;
using Scheduler.Grains.Models;

namespace Scheduler.Dashboard.Models;

/// <summary>The models that can be launched: those that are shipped and those that the account registered.</summary>
public sealed partial class ModelsPage
{
    /// <summary>Most models that one query returns.</summary>
    private const int Most = 1000;

    private ModelView[] _models = [];

    /// <summary>Account for the ready call; null if there is none.</summary>
    private AccountId? _owner;

    [SupplyParameterFromQuery]
    private string? Q { get; set; }

    [SupplyParameterFromQuery]
    private string? Account { get; set; }

    protected override async Task LoadAsync()
    {
        var fleet = Grains.Fleet();
        _owner = ScopeOf(Account?.Trim());
        if (_owner is { } asked)
        {
            await AskAsync(Grains.Account(Addressed.Account(asked.Value)).GetAsync(AccessScope), asked.Value);
        }

        var all = await fleet.ListModelsAsync(_owner, "", Most).WaitAsync(Http.RequestAborted);
        var text = Q?.Trim() ?? "";
        _models = [.. all.Where(model => model.Name.Contains(text, StringComparison.OrdinalIgnoreCase))];
        if (_owner is null)
        {
            var first = await fleet.ListAccountsAsync("", 1).WaitAsync(Http.RequestAborted);
            _owner = first.IsEmpty ? null : first[0].Id;
        }
    }

    private string ImportCall(AccountId owner) =>
        ReadyCall.Post(Http, $"/v1/accounts/{owner}/models:import", """{"repository":"Qwen/Qwen3-8B"}""");

    private string Call(AccountId owner) =>
        ReadyCall.Post(
            Http,
            $"/v1/accounts/{owner}/models",
            """{"model":"acme/mine","config_json":"'"$(base64 < config.json | tr -d '\n')"'"}"""
        );
}

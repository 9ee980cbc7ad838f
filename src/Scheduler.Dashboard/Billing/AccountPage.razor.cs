using System.Collections.Immutable;
using System.Globalization;
using Microsoft.AspNetCore.Components;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Keys;
using Scheduler.Domain.Secrets;
using Scheduler.Grains;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Firewalls;
using Scheduler.Grains.Secrets;

namespace Scheduler.Dashboard.Billing;

/// <summary>One account: its balance now, its ledger, its secrets, and its keys.</summary>
public sealed partial class AccountPage
{
    private const int LedgerSize = 50;

    /// <summary>Most keys and firewalls that the page shows; the API lists all.</summary>
    private const int Most = 200;

    /// <summary>Most holds that the page shows: the largest.</summary>
    private const int MostHolds = 50;

    private const int MostCounted = 100_000;

    private AccountView _account = new();
    private LedgerEntry[] _ledger = [];
    private OpenHold[] _holds = [];
    private ImmutableArray<QuotaUse> _quotas = [];
    private ImmutableArray<KeyRecord> _keys = [];
    private ImmutableArray<SecretView> _secrets = [];
    private ImmutableArray<string> _firewalls = [];
    private long _stoppable;
    private string? _older;
    private string _count = "";

    [Parameter]
    public string Name { get; set; } = "";

    /// <summary>Sequence number: shows the ledger entries before it; null for the newest.</summary>
    [SupplyParameterFromQuery]
    private string? Before { get; set; }

    private bool IsFirst => Number(Before) is null;

    protected override async Task LoadAsync()
    {
        var id = Addressed.Account(Name);
        MustSee(id, Name);
        _account = await AskAsync(Grains.Account(id).GetAsync(AccessScope), Name);
        var ledger = Grains.Fleet().LedgerAsync(id, Number(Before) ?? long.MaxValue, LedgerSize + 1);
        var keys = Grains.Fleet().ListKeysAsync(id, "", Most);
        var firewalls = Grains.Firewalls(id).ListAsync("", Most);
        var stoppable = Grains
            .Fleet()
            .CountInstancesAsync(new InstanceQuery { Account = id, States = StopInstances.States }, MostCounted);
        var holds = Grains.Account(id).HoldsAsync(AccessScope, MostHolds);
        var quotas = Grains.Quota(id).UseAsync();
        var secrets = Grains.Secrets(id).ListAsync("", Most);
        await Task.WhenAll(ledger, keys, firewalls, stoppable, holds, quotas, secrets).WaitAsync(Http.RequestAborted);
        _holds = [.. await holds];
        _quotas = await quotas;
        _secrets = await secrets;
        _stoppable = await stoppable;

        var entries = await ledger;
        _ledger = [.. entries.Take(LedgerSize)];
        _older =
            entries.Length > LedgerSize
                ? string.Create(CultureInfo.InvariantCulture, $"/dashboard/accounts/{id}?before={_ledger[^1].Sequence}")
                : null;

        // Sequence numbers have no gaps, so they also give the position in the ledger.
        _count = _ledger.Length > 0 ? $"Entries {_ledger[0].Sequence} to {_ledger[^1].Sequence}" : "";
        _keys = [.. (await keys).OrderBy(key => key.RevokedAt is not null).ThenByDescending(key => key.CreatedAt)];
        _firewalls = [.. (await firewalls).Select(firewall => firewall.Slug)];
    }

    private static string Micro(MicroEuro amount) => $"{Units.Count(amount.Value)} micro-EUR";
}

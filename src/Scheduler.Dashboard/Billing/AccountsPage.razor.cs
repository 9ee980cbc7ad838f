using Microsoft.AspNetCore.Components;
using Scheduler.Grains;
using Scheduler.Grains.Billing;

namespace Scheduler.Dashboard.Billing;

/// <summary>
/// All accounts with their balance and how long it lasts, for operators. An account's session is redirected to its own
/// page.
/// </summary>
public sealed partial class AccountsPage
{
    private const int Size = 50;

    private AccountView[] _page = [];
    private string? _next;

    [SupplyParameterFromQuery]
    private string? After { get; set; }

    private bool IsFirst => string.IsNullOrEmpty(After);

    protected override async Task LoadAsync()
    {
        if (AccessScope is { } own)
        {
            Http.Response.Redirect($"/dashboard/accounts/{own}");
            return;
        }

        var accounts = await Grains.Fleet().ListAccountsAsync(After ?? "", Size + 1).WaitAsync(Http.RequestAborted);
        _page = [.. accounts.Take(Size)];
        _next = accounts.Length > Size ? $"/dashboard/accounts?after={_page[^1].Id}" : null;
    }
}

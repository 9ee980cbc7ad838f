using System.Collections.Immutable;
using System.Globalization;
using Microsoft.AspNetCore.Routing;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Firewalls;

namespace Scheduler.Dashboard.Billing;

/// <summary>Operator actions on accounts. Commands carry no account, so the key of an account is refused.</summary>
internal static class AccountActions
{
    /// <summary>Largest limit of a quota: a tebibyte.</summary>
    public const long LargestLimit = 1L << 40;

    public const int LongestGraceMinutes = 30 * 24 * 60;

    /// <summary>Above any real payment, and well below where micro-EUR amounts overflow.</summary>
    public static readonly MicroEuro LargestTopUp = MicroEuro.FromEuros(1_000_000);

    public static void MapAccountActions(this IEndpointRouteBuilder pages)
    {
        pages.MapAction("/accounts/create", CreateAsync);
        pages.MapAction("/accounts/{account}/top-up", TopUpAsync);
        pages.MapAction("/accounts/{account}/suspend", action => SuspendAsync(action, true));
        pages.MapAction("/accounts/{account}/resume", action => SuspendAsync(action, false));
        pages.MapAction("/accounts/{account}/stop-instances", StopInstances.RunAsync);
        pages.MapAction("/accounts/{account}/update", RenameAsync);
        pages.MapAction("/accounts/{account}/firewall", AttachAsync);
        pages.MapAction("/accounts/{account}/quotas", LimitAsync);
    }

    private static async Task<Done> CreateAsync(PageAction action)
    {
        var (text, name) = (action.Text("account_id"), action.Text("display_name"));
        var command = action.OperatorCommand();
        var faults = new Faults();
        if (!Grammar.IsAccountId(text))
        {
            faults.Add("account_id", $"Must be {Addressed.AccountForm}.");
        }

        faults.CheckDisplayName("display_name", name);
        var grace = GraceOf(action, faults);
        ThrowIfAny(faults);
        var id = new AccountId(text);
        await action.DoAsync(action.Grains.Account(id).CreateAsync(new CreateAccount(name, grace), command), text);
        return new Done($"Account {id} was created. Top it up and create a key for it.", $"/dashboard/accounts/{id}");
    }

    private static async Task<Done> TopUpAsync(PageAction action)
    {
        var id = Account(action);
        var (typed, reference) = (action.Text("amount"), action.Text("reference"));
        var command = action.OperatorCommand();
        var faults = new Faults();
        if (!EuroText.TryParse(typed, out var amount))
        {
            faults.Add("amount", $"Must be {EuroText.Accepted}.");
        }
        else if (amount <= MicroEuro.Zero || amount > LargestTopUp)
        {
            faults.Add(
                "amount",
                $"Is {EuroText.Exact(amount)} EUR; accepted is more than 0, up to {EuroText.Exact(LargestTopUp)} EUR."
            );
        }

        if (!Grammar.IsToken(reference))
        {
            faults.Add("reference", $"Must be {Addressed.TokenForm}.");
        }

        ThrowIfAny(faults);
        var answer = await action.DoAsync(action.Grains.Account(id).TopUpAsync(amount, reference, command), id.Value);
        var balance = $"the balance is {EuroText.Exact(answer.Account.Balance)} EUR.";
        return new Done(
            answer.Repeated
                ? $"Nothing was added: reference {reference} is already in the ledger as entry {answer.Entry.Sequence}; {balance}"
                : $"{EuroText.Exact(amount)} EUR were added; {balance}"
        );
    }

    private static async Task<Done> SuspendAsync(PageAction action, bool isSuspended)
    {
        await UpdateAsync(action, new UpdateAccount(null, isSuspended, null));
        return new Done(isSuspended ? "Launches are now refused." : "The account can launch instances again.");
    }

    private static async Task<Done> LimitAsync(PageAction action)
    {
        var faults = new Faults();
        var limits = ImmutableSortedDictionary.CreateBuilder<string, long>(StringComparer.Ordinal);
        foreach (var name in QuotaNames.All.Select(quota => quota.WireName()))
        {
            var typed = action.Text(name);
            if (
                long.TryParse(typed, NumberStyles.None, CultureInfo.InvariantCulture, out var limit)
                && limit <= LargestLimit
            )
            {
                limits.Add(name, limit);
            }
            else if (typed.Length > 0)
            {
                faults.Add(name, $"Must be empty, or a whole number from 0 to {LargestLimit}.");
            }
        }

        ThrowIfAny(faults);
        await UpdateAsync(action, new UpdateAccount(null, null, null, null, limits.ToImmutable()));
        return new Done("The limits of the account were set.");
    }

    private static async Task<Done> RenameAsync(PageAction action)
    {
        var name = action.Text("display_name");
        var faults = new Faults();
        faults.CheckDisplayName("display_name", name);
        var grace = GraceOf(action, faults);
        ThrowIfAny(faults);
        await UpdateAsync(action, new UpdateAccount(name, null, grace));
        return new Done("Name and grace period were changed.");
    }

    private static async Task<Done> AttachAsync(PageAction action)
    {
        var (id, slug) = (Account(action), action.Text("firewall"));
        _ = action.OperatorCommand();

        // A missing firewall would refuse every request, so it is rejected here.
        if (slug.Length > 0 && !(await action.Grains.Firewalls(id).GetAsync(Addressed.Slug(slug), id)).IsOk)
        {
            var faults = new Faults();
            faults.Add("firewall", $"The account has no firewall '{slug}'.");
            ThrowIfAny(faults);
        }

        await UpdateAsync(action, new UpdateAccount(null, null, null, slug));
        return new Done(
            slug.Length > 0 ? $"Firewall {slug} now applies to every request." : "The account has no default firewall."
        );
    }

    private static Task<AccountView> UpdateAsync(PageAction action, UpdateAccount command)
    {
        var id = Account(action);
        return action.DoAsync(action.Grains.Account(id).UpdateAsync(command, action.OperatorCommand()), id.Value);
    }

    private static AccountId Account(PageAction action) => Addressed.Account(action.Route("account"));

    private static TimeSpan GraceOf(PageAction action, Faults faults)
    {
        if (
            !decimal.TryParse(
                action.Text("grace_minutes"),
                NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture,
                out var minutes
            )
            || minutes > LongestGraceMinutes
        )
        {
            faults.Add("grace_minutes", $"Must be 0 to {LongestGraceMinutes} minutes.");
            return TimeSpan.Zero;
        }

        return TimeSpan.FromSeconds((double)(minutes * 60));
    }

    private static void ThrowIfAny(Faults faults)
    {
        if (!faults.None)
        {
            throw new ApiException(ApiError.Invalid(faults.All));
        }
    }
}

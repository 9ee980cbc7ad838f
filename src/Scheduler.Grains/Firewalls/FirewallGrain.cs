using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains.Billing;

namespace Scheduler.Grains.Firewalls;

/// <summary>The rules and firewalls of one account: decide, record; see <see cref="FirewallDecisions"/>.</summary>
[GrainType("firewalls")]
internal sealed class FirewallGrain(
    IGrainContext context,
    [PersistentState("firewalls", GrainStorageNames.Database)] IPersistentState<FirewallSet> state,
    IGrainFactory grains,
    TimeProvider clock
) : IGrainBase, IFirewallGrain
{
    private readonly Recorded<FirewallSet> _set = new(state);
    private readonly ChangeSignal _changed = new(clock);

    public IGrainContext GrainContext => context;

    private FirewallSet Set => _set.Value;

    private AccountId Account { get; } = FirewallKeys.AccountOf(context.GrainId.Key.ToString()!);

    public Task OnDeactivateAsync(DeactivationReason reason, CancellationToken token)
    {
        _changed.Close();
        return Task.CompletedTask;
    }

    public async Task<Answer<FirewallRuleRecord>> CreateRuleAsync(FirewallRule rule, CommandContext context)
    {
        if (Set.FindRule(rule.Slug) is { } known)
        {
            return MaySee(context.Account) && known.Rule == rule
                ? known
                : Refusal.Exists($"Rule '{rule.Slug}' exists already, with other contents.");
        }

        if (ShippedRules.Find(rule.Slug) is not null)
        {
            return Refusal.Exists(
                $"Rule '{rule.Slug}' is shipped: use it as it is, or write your own under another slug."
            );
        }

        var faults = FirewallValidation.FaultsOf(rule);
        if (Set.Rules.Length >= FirewallSet.MostRules)
        {
            faults = faults.Add(Full(FirewallSet.MostRules, "rules"));
        }

        if (Refused(faults) is { } refusal)
        {
            return refusal;
        }

        await RecordAsync(FirewallDecisions.PutRule(Named(), rule, CauseOf(context)));
        return Set.FindRule(rule.Slug)!;
    }

    public Task<Answer<FirewallRuleRecord>> GetRuleAsync(string slug, AccountId? account) =>
        Task.FromResult(Seen(Set.FindRule(slug), account, "Rule"));

    public Task<ImmutableArray<FirewallRuleRecord>> ListRulesAsync(string afterSlug, int limit) =>
        Task.FromResult<ImmutableArray<FirewallRuleRecord>>([.. Set.ListRules(afterSlug).Take(limit)]);

    public async Task<Answer<FirewallRuleRecord>> UpdateRuleAsync(
        FirewallRule rule,
        long? ifVersion,
        CommandContext context
    )
    {
        var seen = Seen(Set.FindRule(rule.Slug), context.Account, "Rule");
        if (!seen.IsOk)
        {
            return seen;
        }

        if ((Moved("rule", seen.Value.Version, ifVersion) ?? Refused(FirewallValidation.FaultsOf(rule))) is { } refusal)
        {
            return refusal;
        }

        if (seen.Value.Rule != rule)
        {
            await RecordAsync(FirewallDecisions.PutRule(Set, rule, CauseOf(context)));
        }

        return Set.FindRule(rule.Slug)!;
    }

    public async Task<Answer<FirewallRuleRecord>> DeleteRuleAsync(string slug, CommandContext context)
    {
        var seen = Seen(Set.FindRule(slug), context.Account, "Rule");
        if (!seen.IsOk)
        {
            return seen;
        }

        if (Set.UsersOf(slug) is { Length: > 0 } users)
        {
            var named = string.Join(", ", users.Select(user => $"'{user}'"));
            return new Refusal
            {
                Kind = RefusalKind.WrongState,
                Message =
                    $"Rule '{slug}' is in use by {(users.Length == 1 ? "firewall" : "firewalls")} {named}; take it out of there first.",
                State = "IN_USE",
            };
        }

        await RecordAsync(FirewallDecisions.RemoveRule(Set, seen.Value, CauseOf(context)));
        return seen;
    }

    public async Task<Answer<FirewallRecord>> CreateAsync(string slug, FirewallDraft draft, CommandContext context)
    {
        if (Set.FindFirewall(slug) is { } known)
        {
            return MaySee(context.Account) && draft.Equals(known.Draft)
                ? known
                : Refusal.Exists($"Firewall '{slug}' exists already, with other contents.");
        }

        var faults = await FaultsOfAsync(draft);
        if (Set.Firewalls.Length >= FirewallSet.MostFirewalls)
        {
            faults = faults.Add(Full(FirewallSet.MostFirewalls, "firewalls"));
        }

        if (Refused(faults) is { } refusal)
        {
            return refusal;
        }

        var (key, count) = (GrainContext.GrainId.Key.ToString()!, Set.Firewalls.Length);
        return await grains.WithinQuotaAsync(
            Account,
            new QuotaClaim(Quota.Firewalls, key, count, count + 1),
            () => PutAsync(slug, draft, context)
        );
    }

    public Task<Answer<FirewallRecord>> GetAsync(string slug, AccountId? account) =>
        Task.FromResult(Seen(Set.FindFirewall(slug), account, "Firewall"));

    public Task<ImmutableArray<FirewallRecord>> ListAsync(string afterSlug, int limit) =>
        Task.FromResult<ImmutableArray<FirewallRecord>>([.. Set.ListFirewalls(afterSlug).Take(limit)]);

    public async Task<Answer<FirewallRecord>> UpdateAsync(
        string slug,
        FirewallDraft draft,
        long? ifVersion,
        CommandContext context
    )
    {
        var seen = Seen(Set.FindFirewall(slug), context.Account, "Firewall");
        if (!seen.IsOk)
        {
            return seen;
        }

        return (Moved("firewall", seen.Value.Version, ifVersion) ?? Refused(await FaultsOfAsync(draft))) is { } refusal
            ? refusal
            : await PutAsync(slug, draft, context);
    }

    public async Task<Answer<FirewallRecord>> DeleteAsync(string slug, CommandContext context)
    {
        var seen = Seen(Set.FindFirewall(slug), context.Account, "Firewall");
        if (seen.IsOk)
        {
            await RecordAsync(FirewallDecisions.RemoveFirewall(Set, slug, CauseOf(context)));
        }

        return seen;
    }

    public async Task<FirewallSet> WaitForChangeAsync(long afterSequence, CancellationToken cancellationToken)
    {
        if (Set.LastSequence <= afterSequence)
        {
            await _changed.WaitAsync(cancellationToken);
        }

        return Named();
    }

    private async Task<Answer<FirewallRecord>> PutAsync(string slug, FirewallDraft draft, CommandContext context)
    {
        var next = FirewallDecisions.PutFirewall(Named(), slug, draft, CauseOf(context));
        if (next.LastSequence != Set.LastSequence)
        {
            await RecordAsync(next);
        }

        return Set.FindFirewall(slug)!;
    }

    /// <summary>
    /// Everything wrong with a firewall: in itself, rules that do not exist, and a judge that is no instance of the
    /// account.
    /// </summary>
    private async Task<ImmutableArray<FirewallFault>> FaultsOfAsync(FirewallDraft draft)
    {
        var faults = FirewallDecisions.FaultsOf(Set, draft);
        return faults.Any(fault => fault.Field == "judge") || await IsInstanceAsync(draft.Judge)
            ? faults
            : faults.Add(
                new(
                    "judge",
                    $"No instance of the account has the serving name '{draft.Judge}'; create it first (it need not be running)."
                )
            );
    }

    private async Task<bool> IsInstanceAsync(string servingName)
    {
        var holder = await grains.ServingName(Account, servingName).HolderAsync();
        return holder is { IsInstance: true } instance
            && await grains.Instance(new InstanceId(instance.Value)).GetAsync(Account)
                is { Value.State: not InstanceState.Deleted };
    }

    private Answer<T> Seen<T>(T? found, AccountId? account, string what)
        where T : class
    {
        if (found is not null && MaySee(account))
        {
            return found;
        }

        if (Set.IsBlank)
        {
            // A caller that tries names must not fill the silo with activations.
            this.DeactivateOnIdle();
        }

        return Refusal.NotFound(what);
    }

    private bool MaySee(AccountId? account) => account is null || account == Account;

    /// <summary>The set, which names its account also before the first write.</summary>
    private FirewallSet Named() => Set with { Account = Account };

    private async Task RecordAsync(FirewallSet next)
    {
        await _set.WriteAsync(next, this);
        _changed.Raise();
    }

    private Cause CauseOf(CommandContext command) => new(clock.Now(), command.RequestId, command.Actor);

    private static Refusal? Refused(ImmutableArray<FirewallFault> faults) =>
        faults.IsEmpty ? null : Refusal.Invalid(faults.Select(fault => new FieldFault(fault.Field, fault.Description)));

    private static FirewallFault Full(int most, string what) =>
        new("parent", $"Has {most} {what}, the most an account may have; delete one first.");

    /// <summary>
    /// The refusal when the caller read another version; null when it is the same, or the caller names none.
    /// </summary>
    private static Refusal? Moved(string what, long present, long? expected) =>
        expected is null || expected == present
            ? null
            : new()
            {
                Kind = RefusalKind.WrongState,
                Message = $"The {what} is at version {present}, not {expected}: read it again.",
                State = $"VERSION_{present}",
            };
}

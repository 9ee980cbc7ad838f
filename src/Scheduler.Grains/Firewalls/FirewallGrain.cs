using System.Collections.Immutable;
using Scheduler.Domain.Events;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;

namespace Scheduler.Grains.Firewalls;

/// <summary>One firewall: decide, record, act. What it answers is what was recorded, never what is about to be.</summary>
[GrainType("firewall")]
internal sealed class FirewallGrain(
    [PersistentState("firewall", GrainStorageNames.Database)] IPersistentState<FirewallRecord> state,
    TimeProvider clock
) : Grain, IFirewallGrain, IFirewallInbox
{
    /// <summary>Below Orleans' time-out of a call, so that who waits for a change gets an answer.</summary>
    private static readonly TimeSpan WatchFor = TimeSpan.FromSeconds(20);

    private readonly Recorded<FirewallRecord> _firewall = new(state);
    private ImmutableArray<string> _wanted = [];
    private TaskCompletionSource _changed = NewSignal();

    /// <inheritdoc/>
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _changed.TrySetResult();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task<Answer<FirewallRecord>> CreateAsync(WriteFirewall command, CommandContext context)
    {
        if (_firewall.Value.Exists)
        {
            return MaySee(context.Account) && command.Draft.Equals(_firewall.Value.Draft)
                ? _firewall.Value
                : Refusal.Exists($"Firewall '{command.Slug}' exists already, with other contents.");
        }

        var blank = _firewall.Value with { Account = command.Account, Slug = command.Slug, CreatedAt = clock.Now() };
        return await ChangeAsync(blank, command.Draft, "FirewallCreated", context);
    }

    /// <inheritdoc/>
    public Task<Answer<FirewallRecord>> GetAsync(AccountId? account) => Task.FromResult(Seen(account));

    /// <inheritdoc/>
    public async Task<Answer<FirewallRecord>> WaitForChangeAsync(
        AccountId? account,
        long afterVersion,
        CancellationToken cancellationToken
    )
    {
        if (Seen(account) is { IsOk: true } seen && seen.Value.Version <= afterVersion)
        {
            try
            {
                await _changed.Task.WaitAsync(WatchFor, clock, cancellationToken);
            }
            catch (TimeoutException)
            {
                // Nothing changed; the watcher gets what there is and asks again.
            }
        }

        return Seen(account);
    }

    /// <inheritdoc/>
    public async Task<Answer<FirewallRecord>> UpdateAsync(WriteFirewall command, CommandContext context)
    {
        if (Seen(context.Account) is { IsOk: false } unseen)
        {
            return unseen;
        }

        return command.IfVersion is { } expected && expected != _firewall.Value.Version
            ? FirewallAnswers.Moved("firewall", _firewall.Value.Version, expected)
            : await ChangeAsync(_firewall.Value, command.Draft, "FirewallChanged", context);
    }

    /// <inheritdoc/>
    public async Task<Answer<FirewallRecord>> DeleteAsync(CommandContext context)
    {
        if (Seen(context.Account) is { IsOk: false } unseen)
        {
            return unseen;
        }

        var deleted = _firewall.Value;
        await RecordAsync(
            deleted with
            {
                Draft = null,
                Rules = [],
            },
            "FirewallDeleted",
            "The firewall was deleted.",
            context
        );
        return deleted;
    }

    /// <inheritdoc/>
    public Task<bool> UsesAsync(string rule) =>
        Task.FromResult(
            _wanted.Contains(rule, StringComparer.Ordinal)
                || _firewall.Value.Rules.Any(own => string.Equals(own.Slug, rule, StringComparison.Ordinal))
        );

    /// <inheritdoc/>
    public async Task<bool> RuleChangedAsync(FirewallRule rule, CommandContext context)
    {
        var present = _firewall.Value.Rules.FirstOrDefault(own =>
            string.Equals(own.Slug, rule.Slug, StringComparison.Ordinal)
        );
        if (present is null)
        {
            return false;
        }

        if (present != rule)
        {
            await RecordAsync(
                _firewall.Value with
                {
                    Rules = _firewall.Value.Rules.Replace(present, rule),
                },
                "RuleChanged",
                $"Rule '{rule.Slug}' was changed.",
                context
            );
        }

        return true;
    }

    private async Task<Answer<FirewallRecord>> ChangeAsync(
        FirewallRecord before,
        FirewallDraft draft,
        string verb,
        CommandContext context
    )
    {
        // From here until it is recorded, whoever asks whether a rule may go is told no.
        _wanted = draft.Rules;
        try
        {
            var (rules, faults) = await ResolveAsync(before, draft);
            if (FirewallAnswers.Faults(faults) is { } refusal)
            {
                return refusal;
            }

            if (!draft.Equals(before.Draft) || !rules.SequenceEqual(before.Rules))
            {
                var why = $"{draft.Mode}, judge '{draft.Judge}', {rules.Length} rules";
                await RecordAsync(before with { Draft = draft, Rules = rules }, verb, why, context);
            }

            return _firewall.Value;
        }
        finally
        {
            _wanted = [];
        }
    }

    /// <summary>Finds rules and judge, and everything that is wrong: with the draft in itself, and with what it names.</summary>
    private async Task<(ImmutableArray<FirewallRule> Rules, ImmutableArray<FirewallFault> Faults)> ResolveAsync(
        FirewallRecord before,
        FirewallDraft draft
    )
    {
        var faults = FirewallValidation.FaultsOf(draft).ToBuilder();
        var rules = ImmutableArray.CreateBuilder<FirewallRule>();
        for (var i = 0; i < Math.Min(draft.Rules.Length, FirewallValidation.MostRules); i++)
        {
            var (slug, field) = (draft.Rules[i], FirewallValidation.RuleField(i));
            if (faults.Any(fault => string.Equals(fault.Field, field, StringComparison.Ordinal)))
            {
                continue;
            }

            if (await FindRuleAsync(before, slug) is { } rule)
            {
                rules.Add(rule);
            }
            else
            {
                faults.Add(
                    new(
                        field,
                        $"No rule '{slug}' is the account's own or shipped; list what there is, or create it first."
                    )
                );
            }
        }

        if (
            faults.All(fault => !string.Equals(fault.Field, "judge", StringComparison.Ordinal))
            && !await IsInstanceAsync(before.Account, draft.Judge)
        )
        {
            faults.Add(
                new(
                    "judge",
                    $"No instance of the account has the serving name '{draft.Judge}'; create it first (it need not be running)."
                )
            );
        }

        return (rules.ToImmutable(), faults.ToImmutable());
    }

    /// <summary>The account's own rule first: one that is shipped later must not take its place.</summary>
    private async Task<FirewallRule?> FindRuleAsync(FirewallRecord before, string slug)
    {
        var own = await GrainFactory
            .GetGrain<IFirewallRuleInbox>(FirewallKeys.Rule(before.Account, slug))
            .AttachAsync(before.Slug);
        return own.Value ?? ShippedRules.Find(slug);
    }

    private async Task<bool> IsInstanceAsync(AccountId account, string servingName)
    {
        var holder = await GrainFactory.ServingName(account, servingName).HolderAsync();
        return holder is { IsBalancer: false } instance
            && await GrainFactory.Instance(new InstanceId(instance.Value)).GetAsync(account)
                is { Value.State: not InstanceState.Deleted };
    }

    private Answer<FirewallRecord> Seen(AccountId? account)
    {
        if (_firewall.Value.Exists && MaySee(account))
        {
            return _firewall.Value;
        }

        if (!_firewall.Value.Exists)
        {
            // Whoever guesses names must not fill the memory.
            DeactivateOnIdle();
        }

        return Refusal.NotFound("Firewall");
    }

    private bool MaySee(AccountId? account) => account is null || account == _firewall.Value.Account;

    private async Task RecordAsync(FirewallRecord next, string verb, string reason, CommandContext under)
    {
        var now = clock.Now();
        await _firewall.WriteAsync(
            next with
            {
                Version = next.Version + 1,
                UpdatedAt = now,
                LastSequence = next.LastSequence + 1,
                Events =
                [
                    new StoredEvent
                    {
                        Sequence = next.LastSequence + 1,
                        At = now,
                        Trigger = verb,
                        Reason = reason,
                        RequestId = under.RequestId,
                        Actor = under.Actor,
                    },
                ],
            },
            this
        );
        Interlocked.Exchange(ref _changed, NewSignal()).TrySetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Events;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Agenda;

namespace Scheduler.Grains.Firewalls;

/// <summary>One rule: decide, record, act.</summary>
/// <remarks>
/// Firewalls hold their rules whole. A change is recorded here together with the list of those that must be told, which shrinks as they
/// record it; what a crash interrupts, the agenda goes on with. They are told beside the turns, because a firewall that is just being
/// changed waits for a turn here. A rule may list a firewall that no longer has it: such a one says so when it is asked or told.
/// </remarks>
[GrainType("rule")]
internal sealed partial class FirewallRuleGrain(
    [PersistentState("rule", GrainStorageNames.Database)] IPersistentState<FirewallRuleRecord> state,
    TimeProvider clock,
    ILogger<FirewallRuleGrain> logger
) : Grain, IFirewallRuleGrain, IFirewallRuleInbox, IWakeable
{
    /// <summary>How long to wait for firewalls before they are told again; an activation that lives has told them long before.</summary>
    private static readonly TimeSpan TellAgain = TimeSpan.FromSeconds(5);

    private readonly Recorded<FirewallRuleRecord> _rule = new(state);
    private bool _isTelling;

    /// <inheritdoc/>
    public async Task<Answer<FirewallRuleRecord>> CreateAsync(WriteFirewallRule command, CommandContext context)
    {
        if (_rule.Value.Exists)
        {
            return MaySee(context.Account) && _rule.Value.Rule == command.Rule
                ? _rule.Value
                : Refusal.Exists($"Rule '{command.Rule.Slug}' exists already, with other contents.");
        }

        if (ShippedRules.Find(command.Rule.Slug) is not null)
        {
            return Refusal.Exists(
                $"Rule '{command.Rule.Slug}' is shipped: use it as it is, or write your own under another slug."
            );
        }

        if (FirewallAnswers.Faults(FirewallValidation.FaultsOf(command.Rule)) is { } faults)
        {
            return faults;
        }

        var now = clock.Now();
        await RecordAsync(
            _rule.Value with
            {
                Account = command.Account,
                Slug = command.Rule.Slug,
                Rule = command.Rule,
                Version = _rule.Value.Version + 1,
                UsedBy = [],
                Untold = [],
                CreatedAt = now,
                UpdatedAt = now,
            },
            Event("RuleCreated", $"{command.Rule.Category}, {command.Rule.Severity}", now, context)
        );
        return _rule.Value;
    }

    /// <inheritdoc/>
    public Task<Answer<FirewallRuleRecord>> GetAsync(AccountId? account) => Task.FromResult(Seen(account));

    /// <inheritdoc/>
    public async Task<Answer<FirewallRuleRecord>> UpdateAsync(WriteFirewallRule command, CommandContext context)
    {
        if (Seen(context.Account) is { IsOk: false } unseen)
        {
            return unseen;
        }

        if (command.IfVersion is { } expected && expected != _rule.Value.Version)
        {
            return FirewallAnswers.Moved("rule", _rule.Value.Version, expected);
        }

        if (FirewallAnswers.Faults(FirewallValidation.FaultsOf(command.Rule)) is { } faults)
        {
            return faults;
        }

        if (_rule.Value.Rule == command.Rule)
        {
            return _rule.Value;
        }

        var now = clock.Now();
        await RecordAsync(
            _rule.Value with
            {
                Rule = command.Rule,
                Version = _rule.Value.Version + 1,
                Untold = _rule.Value.UsedBy,
                UpdatedAt = now,
            },
            Event("RuleChanged", $"{command.Rule.Category}, {command.Rule.Severity}", now, context)
        );
        StartTelling();
        return _rule.Value;
    }

    /// <inheritdoc/>
    public async Task<Answer<FirewallRuleRecord>> DeleteAsync(CommandContext context)
    {
        if (Seen(context.Account) is { IsOk: false } unseen)
        {
            return unseen;
        }

        var users = await Task.WhenAll(
            _rule.Value.UsedBy.Select(async slug => (Slug: slug, Uses: await InboxOf(slug).UsesAsync(Slug)))
        );
        if (users.Where(user => user.Uses).Select(user => user.Slug).ToArray() is { Length: > 0 } using_)
        {
            return new Refusal
            {
                Kind = RefusalKind.WrongState,
                Message = $"Rule '{Slug}' is in use by {FirewallAnswers.Named(using_)}; take it out of there first.",
                State = "IN_USE",
            };
        }

        var deleted = _rule.Value;
        var now = clock.Now();
        await RecordAsync(
            deleted with
            {
                Rule = null,
                Version = deleted.Version + 1,
                UsedBy = [],
                Untold = [],
                UpdatedAt = now,
            },
            Event("RuleDeleted", "No firewall has it.", now, context)
        );
        return deleted;
    }

    /// <inheritdoc/>
    public async Task<Answer<FirewallRule>> AttachAsync(string firewall)
    {
        if (_rule.Value.Rule is null)
        {
            NobodyHere();
            return Refusal.NotFound("Rule");
        }

        if (!_rule.Value.UsedBy.Contains(firewall))
        {
            await RecordAsync(_rule.Value with { UsedBy = _rule.Value.UsedBy.Add(firewall) }, null);
        }

        return _rule.Value.Rule!;
    }

    /// <inheritdoc/>
    public async Task ToldAsync(long version, ImmutableArray<string> told, ImmutableArray<string> strangers)
    {
        // Who was told of an older version has still to be told of this one.
        if (version == _rule.Value.Version && told.Length > 0)
        {
            await RecordAsync(
                _rule.Value with
                {
                    UsedBy = _rule.Value.UsedBy.Except(strangers),
                    Untold = _rule.Value.Untold.Except(told),
                },
                null
            );
        }
    }

    /// <inheritdoc/>
    public Task<DateTimeOffset?> WakeAsync()
    {
        StartTelling();
        return Task.FromResult<DateTimeOffset?>(_rule.Value.Untold.IsEmpty ? null : clock.Now() + TellAgain);
    }

    private string Slug => FirewallKeys.SlugOf(this.GetPrimaryKeyString());

    private bool MaySee(AccountId? account) => account is null || account == _rule.Value.Account;

    private Answer<FirewallRuleRecord> Seen(AccountId? account)
    {
        if (_rule.Value.Exists && MaySee(account))
        {
            return _rule.Value;
        }

        NobodyHere();
        return Refusal.NotFound("Rule");
    }

    /// <summary>Whoever guesses names must not fill the memory.</summary>
    private void NobodyHere()
    {
        if (!_rule.Value.Exists)
        {
            DeactivateOnIdle();
        }
    }

    private IFirewallInbox InboxOf(string firewall) =>
        GrainFactory.GetGrain<IFirewallInbox>(FirewallKeys.Firewall(_rule.Value.Account, firewall));

    private void StartTelling()
    {
        if (!_isTelling && !_rule.Value.Untold.IsEmpty)
        {
            _isTelling = true;
            TellAllAsync().Ignore();
        }
    }

    /// <summary>Beside the turns, on the grain's own scheduler; again, where the rule was changed meanwhile.</summary>
    private async Task TellAllAsync()
    {
        try
        {
            long version;
            do
            {
                version = _rule.Value.Version;
                await TellAsync(_rule.Value.Rule!, version);
            } while (_rule.Value.Version != version && !_rule.Value.Untold.IsEmpty);
        }
        catch (Exception exception)
        {
            // They stay on the list, and the agenda comes back to them.
            LogNotTold(exception, this.GetPrimaryKeyString());
        }
        finally
        {
            _isTelling = false;
        }
    }

    private async Task TellAsync(FirewallRule rule, long version)
    {
        var under = new CommandContext(new RequestId($"req-rule-{Slug}-v{version}"), "scheduler", _rule.Value.Account);
        var answers = await Task.WhenAll(
            _rule.Value.Untold.Select(async slug =>
                (Slug: slug, Has: await InboxOf(slug).RuleChangedAsync(rule, under))
            )
        );
        await this.AsReference<IFirewallRuleInbox>()
            .ToldAsync(
                version,
                [.. answers.Select(answer => answer.Slug)],
                [.. answers.Where(answer => !answer.Has).Select(answer => answer.Slug)]
            );
    }

    private StoredEvent Event(string verb, string reason, DateTimeOffset now, CommandContext under) =>
        new()
        {
            Sequence = _rule.Value.LastSequence + 1,
            At = now,
            Trigger = verb,
            Reason = reason,
            RequestId = under.RequestId,
            Actor = under.Actor,
        };

    private Task RecordAsync(FirewallRuleRecord next, StoredEvent? happened)
    {
        ImmutableArray<StoredEvent> events = happened is null ? [] : [happened];
        return _rule.WriteAsync(
            next with
            {
                WakeAt = next.Untold.IsEmpty ? null : clock.Now() + TellAgain,
                Events = events,
                LastSequence = _rule.Value.LastSequence + events.Length,
            },
            this
        );
    }

    [LoggerMessage(1601, LogLevel.Warning, "{Rule} could not tell all its firewalls of a change; it tries again")]
    private partial void LogNotTold(Exception exception, string rule);
}

using System.Collections.Immutable;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.Grains.Firewalls;

namespace Scheduler.UnitTests.Api;

/// <summary>The real decisions without storage and without most validation: any severity, mode and judge is accepted.</summary>
internal sealed class FakeFirewalls(AccountId account) : IFirewallGrain
{
    private readonly Lock _lock = new();
    private FirewallSet _set = new() { Account = account };

    public Task<Answer<FirewallRuleRecord>> CreateRuleAsync(FirewallRule rule, CommandContext context)
    {
        if (_set.FindRule(rule.Slug) is null)
        {
            Write(set => FirewallDecisions.PutRule(set, rule with { Severity = RuleSeverity.Low }, CauseOf(context)));
        }

        return GetRuleAsync(rule.Slug, context.Account);
    }

    public Task<Answer<FirewallRuleRecord>> GetRuleAsync(string slug, AccountId? account) =>
        Task.FromResult(Seen(_set.FindRule(slug), account));

    public Task<ImmutableArray<FirewallRuleRecord>> ListRulesAsync(string afterSlug, int limit) =>
        Task.FromResult<ImmutableArray<FirewallRuleRecord>>([.. _set.ListRules(afterSlug).Take(limit)]);

    public Task<Answer<FirewallRuleRecord>> UpdateRuleAsync(
        FirewallRule rule,
        long? ifVersion,
        CommandContext context
    ) => GetRuleAsync(rule.Slug, context.Account);

    public Task<Answer<FirewallRuleRecord>> DeleteRuleAsync(string slug, CommandContext context) =>
        GetRuleAsync(slug, context.Account);

    public Task<Answer<FirewallRecord>> CreateAsync(string slug, FirewallDraft draft, CommandContext context)
    {
        if (_set.FindFirewall(slug) is null)
        {
            Write(set => FirewallDecisions.PutFirewall(set, slug, Accepted(draft), CauseOf(context)));
        }

        return GetAsync(slug, context.Account);
    }

    public Task<Answer<FirewallRecord>> GetAsync(string slug, AccountId? account) =>
        Task.FromResult(Seen(_set.FindFirewall(slug), account));

    public Task<ImmutableArray<FirewallRecord>> ListAsync(string afterSlug, int limit) =>
        Task.FromResult<ImmutableArray<FirewallRecord>>([.. _set.ListFirewalls(afterSlug).Take(limit)]);

    public async Task<Answer<FirewallRecord>> UpdateAsync(
        string slug,
        FirewallDraft draft,
        long? ifVersion,
        CommandContext context
    )
    {
        if (await GetAsync(slug, context.Account) is { IsOk: true })
        {
            Write(set => FirewallDecisions.PutFirewall(set, slug, Accepted(draft), CauseOf(context)));
        }

        return await GetAsync(slug, context.Account);
    }

    public Task<Answer<FirewallRecord>> DeleteAsync(string slug, CommandContext context) =>
        GetAsync(slug, context.Account);

    public async Task<FirewallSet> WaitForChangeAsync(long afterSequence, CancellationToken cancellationToken)
    {
        while (_set.LastSequence <= afterSequence)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, cancellationToken);
        }

        return _set;
    }

    private void Write(Func<FirewallSet, FirewallSet> change)
    {
        lock (_lock)
        {
            _set = change(_set);
        }
    }

    private static FirewallDraft Accepted(FirewallDraft draft) =>
        draft with
        {
            Mode = Enum.IsDefined(draft.Mode) ? draft.Mode : FirewallMode.Block,
            Rules = [.. draft.Rules.Where(rule => ShippedRules.Find(rule) is not null)],
        };

    private Answer<T> Seen<T>(T? found, AccountId? caller)
        where T : class => found is not null && (caller is null || caller == account) ? found : Refusal.NotFound("It");

    private static Cause CauseOf(CommandContext context) =>
        new(DateTimeOffset.UnixEpoch, context.RequestId, context.Actor);
}

internal sealed class FakeEvaluations : IEvaluationsGrain
{
    public System.Collections.Concurrent.ConcurrentQueue<FirewallEvaluation> Recorded { get; } = new();

    public Task<ImmutableArray<FirewallEvaluation>> ListAsync(string? firewall, long beforeSequence, int limit) =>
        Task.FromResult(ImmutableArray<FirewallEvaluation>.Empty);

    public Task RecordAsync(AccountId account, ImmutableArray<FirewallEvaluation> evaluations)
    {
        foreach (var evaluation in evaluations)
        {
            Recorded.Enqueue(evaluation);
        }

        return Task.CompletedTask;
    }
}

using System.Collections.Immutable;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Grains;
using Scheduler.Grains.Firewalls;

namespace Scheduler.UnitTests.Api;

internal sealed class FakeFirewallRule : IFirewallRuleGrain
{
    private FirewallRuleRecord _record = new();

    public Task<Answer<FirewallRuleRecord>> CreateAsync(WriteFirewallRule command, CommandContext context)
    {
        if (!_record.Exists)
        {
            _record = new()
            {
                Account = command.Account,
                Slug = command.Rule.Slug,
                Rule = command.Rule with { Severity = RuleSeverity.Low },
                Version = 1,
            };
        }

        return GetAsync(context.Account);
    }

    public Task<Answer<FirewallRuleRecord>> GetAsync(AccountId? account) =>
        Task.FromResult<Answer<FirewallRuleRecord>>(
            _record.Exists && (account is null || account == _record.Account) ? _record : Refusal.NotFound("r")
        );

    public Task<Answer<FirewallRuleRecord>> UpdateAsync(WriteFirewallRule command, CommandContext context) =>
        GetAsync(context.Account);

    public Task<Answer<FirewallRuleRecord>> DeleteAsync(CommandContext context) => GetAsync(context.Account);
}

internal sealed class FakeFirewall : IFirewallGrain
{
    private FirewallRecord _record = new();

    public Task<Answer<FirewallRecord>> CreateAsync(WriteFirewall command, CommandContext context)
    {
        if (!_record.Exists)
        {
            var draft = command.Draft with
            {
                Mode = Enum.IsDefined(command.Draft.Mode) ? command.Draft.Mode : FirewallMode.Block,
            };
            _record = new()
            {
                Account = command.Account,
                Slug = command.Slug,
                Draft = draft,
                Rules = [.. draft.Rules.Select(ShippedRules.Find).OfType<FirewallRule>()],
                Version = 1,
            };
        }

        return GetAsync(context.Account);
    }

    public Task<Answer<FirewallRecord>> GetAsync(AccountId? account) =>
        Task.FromResult<Answer<FirewallRecord>>(
            _record.Exists && (account is null || account == _record.Account) ? _record : Refusal.NotFound("f")
        );

    public async Task<Answer<FirewallRecord>> WaitForChangeAsync(
        AccountId? account,
        long afterVersion,
        CancellationToken cancellationToken
    )
    {
        while (_record.Version <= afterVersion)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, cancellationToken);
        }

        return await GetAsync(account);
    }

    public async Task<Answer<FirewallRecord>> UpdateAsync(WriteFirewall command, CommandContext context)
    {
        if (await GetAsync(context.Account) is { IsOk: true })
        {
            _record = _record with
            {
                Draft = command.Draft,
                Rules = [.. command.Draft.Rules.Select(ShippedRules.Find).OfType<FirewallRule>()],
                Version = _record.Version + 1,
            };
        }

        return await GetAsync(context.Account);
    }

    public Task<Answer<FirewallRecord>> DeleteAsync(CommandContext context) => GetAsync(context.Account);
}

internal sealed class FakeFirewallLists : IFirewallListGrain
{
    public Task<ImmutableArray<FirewallRuleRecord>> ListRulesAsync(AccountId account, string afterSlug, int limit) =>
        Task.FromResult<ImmutableArray<FirewallRuleRecord>>([
            .. ShippedRules
                .All.Where(rule => string.CompareOrdinal(rule.Slug, afterSlug) > 0)
                .Take(limit)
                .Select(rule => new FirewallRuleRecord { Slug = rule.Slug, Rule = rule }),
        ]);

    public Task<ImmutableArray<FirewallRecord>> ListFirewallsAsync(AccountId account, string afterSlug, int limit) =>
        Task.FromResult(ImmutableArray<FirewallRecord>.Empty);

    public Task<ImmutableArray<FirewallEvaluation>> ListEvaluationsAsync(
        AccountId account,
        string? firewall,
        long beforeSequence,
        int limit
    ) => Task.FromResult(ImmutableArray<FirewallEvaluation>.Empty);
}

internal sealed class FakeEvaluations : IEvaluationsGrain
{
    public System.Collections.Concurrent.ConcurrentQueue<FirewallEvaluation> Recorded { get; } = new();

    public Task RecordAsync(AccountId account, ImmutableArray<FirewallEvaluation> evaluations)
    {
        foreach (var evaluation in evaluations)
        {
            Recorded.Enqueue(evaluation);
        }

        return Task.CompletedTask;
    }
}

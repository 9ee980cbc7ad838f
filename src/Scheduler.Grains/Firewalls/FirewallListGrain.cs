using System.Collections.Immutable;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;

namespace Scheduler.Grains.Firewalls;

/// <summary>Answers from the read side; keeps nothing.</summary>
[StatelessWorker]
[GrainType("firewalllists")]
internal sealed class FirewallListGrain(IEntityIndex entities, IEvaluationLog evaluations) : Grain, IFirewallListGrain
{
    /// <inheritdoc/>
    public async Task<ImmutableArray<FirewallRuleRecord>> ListRulesAsync(AccountId account, string afterSlug, int limit)
    {
        var own = await ListAsync<FirewallRuleRecord>(
            "rule",
            account,
            slug => FirewallKeys.Rule(account, slug),
            record => record.Exists,
            record => record.Slug,
            afterSlug,
            limit
        );
        var shipped = ShippedRules
            .All.Where(rule => string.CompareOrdinal(rule.Slug, afterSlug) > 0)
            .Select(rule => new FirewallRuleRecord { Slug = rule.Slug, Rule = rule });
        return
        [
            .. own.Concat(shipped)
                .DistinctBy(record => record.Slug, StringComparer.Ordinal)
                .OrderBy(record => record.Slug, StringComparer.Ordinal)
                .Take(limit),
        ];
    }

    /// <inheritdoc/>
    public async Task<ImmutableArray<FirewallRecord>> ListFirewallsAsync(
        AccountId account,
        string afterSlug,
        int limit
    ) =>
        [
            .. await ListAsync<FirewallRecord>(
                "firewall",
                account,
                slug => FirewallKeys.Firewall(account, slug),
                record => record.Exists,
                record => record.Slug,
                afterSlug,
                limit
            ),
        ];

    /// <inheritdoc/>
    public async Task<ImmutableArray<FirewallEvaluation>> ListEvaluationsAsync(
        AccountId account,
        string? firewall,
        long beforeSequence,
        int limit
    ) => [.. await evaluations.ListAsync(account, firewall, beforeSequence, limit, CancellationToken.None)];

    /// <summary>A page without the tombstones that lie between.</summary>
    private async Task<List<T>> ListAsync<T>(
        string kind,
        AccountId account,
        Func<string, string> keyOf,
        Func<T, bool> isThere,
        Func<T, string> slugOf,
        string afterSlug,
        int limit
    )
        where T : class, IStoredState
    {
        var page = new List<T>();
        while (true)
        {
            var found = await entities.ListAsync<T>(kind, account, keyOf(afterSlug), limit, CancellationToken.None);
            page.AddRange(found.Where(isThere).Take(limit - page.Count));
            if (found.Count < limit || page.Count == limit)
            {
                return page;
            }

            afterSlug = slugOf(found[^1]);
        }
    }
}

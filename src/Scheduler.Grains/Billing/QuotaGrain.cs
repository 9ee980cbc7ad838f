using System.Collections.Immutable;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Billing;

/// <summary>The quotas of one account: what the store has, and what is being created.</summary>
/// <remarks>
/// The grain stores nothing. A claim is decided in one turn: the used quota is the stored rows of all states without a claim, plus the
/// claims. So a state that is written, claimed or both counts once. Every create passes this grain, so the last count plus the claims since
/// then is an upper bound. Rows are counted again only where that bound is above the limit. The claims are lost with the activation. Then
/// the creates in progress at that moment, and only those, may exceed a limit.
/// </remarks>
[GrainType("quota")]
internal sealed class QuotaGrain(IQuotaRows rows, IOptions<SchedulerOptions> options, TimeProvider clock)
    : Grain,
        IQuotaGrain
{
    /// <summary>A claim older than this is dropped, because its create has ended without a report. Longer than any call takes.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    private readonly Dictionary<(Quota Quota, string State), (long After, long At)> _claims = [];

    /// <summary>What the account has at most: the last count, and all that was granted since then.</summary>
    private readonly Dictionary<Quota, long> _atMost = [];

    private AccountId Account => GrainKeys.AccountOfQuota(this.GetPrimaryKeyString());

    public async Task<Refusal?> ClaimAsync(QuotaClaim claim)
    {
        var account = await GrainFactory.Account(Account).GetAsync(null);
        if (!account.IsOk)
        {
            return account.Refusal;
        }

        ForgetOldClaims();
        var limit = LimitOf(account.Value, claim.Quota);
        var growth = Math.Max(0, claim.After - claim.Before);
        if (_atMost.TryGetValue(claim.Quota, out var most) && most + growth <= limit)
        {
            Grant(claim, most + growth);
            return null;
        }

        var others = _claims
            .Where(other => other.Key.Quota == claim.Quota && other.Key.State != claim.State)
            .ToDictionary(other => other.Key.State, other => other.Value.After, StringComparer.Ordinal);
        var stored = await rows.UsedAsync(Account, claim.Quota, [.. others.Keys, claim.State], CancellationToken.None);
        var used = stored + others.Values.Sum();
        // A lowered limit takes nothing away: only growth is refused.
        if (growth > 0 && used + claim.After > limit)
        {
            _atMost[claim.Quota] = used + claim.Before;
            return Refusal.Failed(
                FailureCatalogue.Describe(
                    new QuotaExceededFacts(Account, claim.Quota, used + claim.Before, claim.After - claim.Before, limit)
                )
            );
        }

        Grant(claim, used + Math.Max(claim.Before, claim.After));
        return null;
    }

    public Task DoneAsync(QuotaClaim claim)
    {
        _claims.Remove((claim.Quota, claim.State));
        return Task.CompletedTask;
    }

    public async Task<ImmutableArray<QuotaUse>> UseAsync()
    {
        var account = await GrainFactory.Account(Account).GetAsync(null);
        if (!account.IsOk)
        {
            DeactivateOnIdle();
            return [];
        }

        var uses = ImmutableArray.CreateBuilder<QuotaUse>();
        foreach (var quota in QuotaNames.All)
        {
            var used = await rows.UsedAsync(Account, quota, [], CancellationToken.None);
            uses.Add(new QuotaUse(quota, used, LimitOf(account.Value, quota), options.Value.Quotas.Of(quota)));
        }

        return uses.ToImmutable();
    }

    private void Grant(QuotaClaim claim, long atMost)
    {
        _atMost[claim.Quota] = atMost;
        _claims[(claim.Quota, claim.State)] = (claim.After, clock.GetTimestamp());
    }

    private long LimitOf(AccountView account, Quota quota) =>
        account.Quotas.TryGetValue(quota.WireName(), out var own) ? own : options.Value.Quotas.Of(quota);

    private void ForgetOldClaims()
    {
        foreach (var (key, claim) in _claims)
        {
            if (clock.GetElapsedTime(claim.At) > Longest)
            {
                _claims.Remove(key);
            }
        }
    }
}

internal static class QuotaExtensions
{
    /// <summary>Creates something if the account may have it.</summary>
    /// <param name="create">Writes the claimed state, or refuses.</param>
    public static async Task<Answer<T>> WithinQuotaAsync<T>(
        this IGrainFactory grains,
        AccountId account,
        QuotaClaim claim,
        Func<Task<Answer<T>>> create
    )
        where T : class
    {
        var quota = grains.Quota(account);
        if (await quota.ClaimAsync(claim) is { } refusal)
        {
            return refusal;
        }

        // If it throws, a write may still take effect: the claim stays until it is old.
        var answer = await create();
        quota.DoneAsync(claim).Ignore();
        return answer;
    }
}

using System.Collections.Concurrent;
using Scheduler.Domain.Ids;
using Scheduler.Grains;
using Scheduler.Grains.Billing;

namespace Scheduler.Inference.Serving;

/// <summary>
/// The firewall each account has attached to all its requests. An answer of the account's grain is used for
/// <see cref="IAccountGrain.FirewallLease"/> from the moment of the call. The grain acknowledges a newly attached
/// firewall only after this time, so no process misses it. If the grain does not answer, the inference request fails
/// (INV-10).
/// </summary>
internal sealed class AccountFirewalls(IGrainFactory grains, TimeProvider clock)
{
    /// <summary>Most accounts in the cache; above it the cache is cleared.</summary>
    private const int Capacity = 50_000;

    private readonly ConcurrentDictionary<AccountId, Asked> _asked = new();

    /// <summary>The slug; null for none.</summary>
    public Task<string?> FindAsync(AccountId account, CancellationToken cancellationToken)
    {
        var asked = _asked.GetValueOrDefault(account);
        if (asked is null || clock.GetElapsedTime(asked.At) >= IAccountGrain.FirewallLease)
        {
            if (_asked.Count >= Capacity)
            {
                _asked.Clear();
            }

            // One call to the grain; concurrent callers share its result.
            var fresh = new Asked(clock.GetTimestamp(), new Lazy<Task<string?>>(() => AskAsync(account)));
            asked =
                asked is null ? _asked.GetOrAdd(account, fresh)
                : _asked.TryUpdate(account, fresh, asked) ? fresh
                : _asked.GetValueOrDefault(account) ?? fresh;
        }

        return asked.Answer.Value.WaitAsync(cancellationToken);
    }

    private async Task<string?> AskAsync(AccountId account)
    {
        try
        {
            return (await grains.Account(account).GetAsync(account)).Value?.Firewall;
        }
        catch
        {
            _asked.TryRemove(account, out _);
            throw;
        }
    }

    private sealed record Asked(long At, Lazy<Task<string?>> Answer);
}

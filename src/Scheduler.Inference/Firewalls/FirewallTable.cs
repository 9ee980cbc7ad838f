using System.Collections.Concurrent;
using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Firewalls;

namespace Scheduler.Inference.Firewalls;

/// <summary>
/// Holds a copy of the firewalls of each account that uses any. An open call to the account's grain returns on each
/// change and refreshes the copy. A copy that cannot be refreshed is discarded; the next request asks the grain or
/// fails. So a prompt never passes an outdated, weaker firewall.
/// </summary>
internal sealed partial class FirewallTable(IGrainFactory grains, TimeProvider clock, ILogger<FirewallTable> logger)
    : IFirewallTable,
        IDisposable
{
    /// <summary>
    /// Most accounts with a copy; some ten kilobytes each. Above it each request asks the account's grain.
    /// </summary>
    private const int Capacity = 10_000;

    /// <summary>How long an unused copy is kept fresh.</summary>
    private static readonly TimeSpan KeptUnused = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<AccountId, Copy> _copies = new();
    private readonly CancellationTokenSource _closing = new();

    public async ValueTask<FirewallRecord?> FindAsync(
        AccountId account,
        string slug,
        CancellationToken cancellationToken
    )
    {
        if (_copies.TryGetValue(account, out var copy))
        {
            copy.UsedAt = clock.GetTimestamp();
            return copy.Firewalls.Find(slug);
        }

        var set = await grains
            .Firewalls(account)
            .WaitForChangeAsync(-1, cancellationToken)
            .WaitAsync(cancellationToken);
        var fresh = new Copy(new Snapshot(set), clock.GetTimestamp());
        if (_copies.Count < Capacity && _copies.TryAdd(account, fresh))
        {
            KeepFreshAsync(account, fresh).Ignore();
        }

        return fresh.Firewalls.Find(slug);
    }

    public void Dispose()
    {
        _closing.Cancel();
        _closing.Dispose();
    }

    private async Task KeepFreshAsync(AccountId account, Copy copy)
    {
        var closing = _closing.Token;
        try
        {
            while (clock.GetElapsedTime(copy.UsedAt) < KeptUnused)
            {
                var set = await grains.Firewalls(account).WaitForChangeAsync(copy.Firewalls.LastSequence, closing);
                copy.Firewalls = new Snapshot(set);
            }
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested)
        {
            // The process stops.
        }
        catch (Exception exception)
        {
            LogNotFresh(exception, account);
        }
        finally
        {
            _copies.TryRemove(new KeyValuePair<AccountId, Copy>(account, copy));
        }
    }

    [LoggerMessage(
        1621,
        LogLevel.Warning,
        "Cannot refresh the firewalls of {Account}; the next request asks their grain again"
    )]
    private partial void LogNotFresh(Exception exception, AccountId account);

    private sealed class Snapshot(FirewallSet set)
    {
        private readonly FrozenDictionary<string, FirewallRecord> _firewalls = set.ListFirewalls("")
            .ToFrozenDictionary(firewall => firewall.Slug, StringComparer.Ordinal);

        public long LastSequence { get; } = set.LastSequence;

        public FirewallRecord? Find(string slug) => _firewalls.GetValueOrDefault(slug);
    }

    private sealed class Copy(Snapshot firewalls, long usedAt)
    {
        private Snapshot _firewalls = firewalls;
        private long _usedAt = usedAt;

        public Snapshot Firewalls
        {
            get => Volatile.Read(ref _firewalls);
            set => Volatile.Write(ref _firewalls, value);
        }

        public long UsedAt
        {
            get => Volatile.Read(ref _usedAt);
            set => Volatile.Write(ref _usedAt, value);
        }
    }
}

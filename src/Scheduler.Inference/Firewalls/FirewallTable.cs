using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Firewalls;

namespace Scheduler.Inference.Firewalls;

/// <summary>
/// Holds a copy of each firewall in use. An open call to the firewall's grain returns on each change and refreshes
/// the copy. A copy that cannot be refreshed is discarded; the next request asks the grain or fails. So a prompt
/// never passes an outdated, weaker firewall.
/// </summary>
internal sealed partial class FirewallTable(IGrainFactory grains, TimeProvider clock, ILogger<FirewallTable> logger)
    : IFirewallTable,
        IDisposable
{
    /// <summary>Most copies; a few kilobytes each. Above it each request asks the firewall's grain.</summary>
    private const int Capacity = 10_000;

    /// <summary>How long an unused copy is kept fresh.</summary>
    private static readonly TimeSpan KeptUnused = TimeSpan.FromMinutes(10);

    /// <summary>How long a missing firewall is cached.</summary>
    private static readonly TimeSpan MissingFor = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<(AccountId Account, string Slug), Copy> _copies = new();
    private readonly CancellationTokenSource _closing = new();

    public async ValueTask<FirewallRecord?> FindAsync(
        AccountId account,
        string slug,
        CancellationToken cancellationToken
    )
    {
        var key = (account, slug);
        if (_copies.TryGetValue(key, out var copy) && IsGood(copy))
        {
            copy.UsedAt = clock.GetTimestamp();
            return copy.Firewall;
        }

        var asked = await grains.Firewall(account, slug).GetAsync(account).WaitAsync(cancellationToken);
        if (_copies.Count < Capacity || _copies.ContainsKey(key))
        {
            var fresh = new Copy(asked.Value, clock.GetTimestamp());
            _copies[key] = fresh;
            if (fresh.Firewall is not null)
            {
                KeepFreshAsync(key, fresh).Ignore();
            }
        }
        else
        {
            DropOld();
        }

        return asked.Value;
    }

    public void Dispose()
    {
        _closing.Cancel();
        _closing.Dispose();
    }

    /// <summary>A found firewall is refreshed by its loop; a missing one is cached only briefly.</summary>
    private bool IsGood(Copy copy) => copy.Firewall is not null || clock.GetElapsedTime(copy.UsedAt) < MissingFor;

    private async Task KeepFreshAsync((AccountId Account, string Slug) key, Copy copy)
    {
        var closing = _closing.Token;
        try
        {
            while (copy.Firewall is { } known && clock.GetElapsedTime(copy.UsedAt) < KeptUnused)
            {
                var now = await grains
                    .Firewall(key.Account, key.Slug)
                    .WaitForChangeAsync(key.Account, known.Version, closing);
                copy.Firewall = now.Value;
            }
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested)
        {
            // The process stops.
        }
        catch (Exception exception)
        {
            LogNotFresh(exception, key.Account, key.Slug);
        }
        finally
        {
            _copies.TryRemove(new KeyValuePair<(AccountId, string), Copy>(key, copy));
        }
    }

    private void DropOld()
    {
        foreach (var (key, copy) in _copies)
        {
            if (copy.Firewall is null && !IsGood(copy))
            {
                _copies.TryRemove(new KeyValuePair<(AccountId, string), Copy>(key, copy));
            }
        }
    }

    [LoggerMessage(
        1621,
        LogLevel.Warning,
        "Cannot refresh firewall {Slug} of {Account}; the next request reads it from its grain"
    )]
    private partial void LogNotFresh(Exception exception, AccountId account, string slug);

    private sealed class Copy(FirewallRecord? firewall, long usedAt)
    {
        private FirewallRecord? _firewall = firewall;
        private long _usedAt = usedAt;

        public FirewallRecord? Firewall
        {
            get => Volatile.Read(ref _firewall);
            set => Volatile.Write(ref _firewall, value);
        }

        public long UsedAt
        {
            get => Volatile.Read(ref _usedAt);
            set => Volatile.Write(ref _usedAt, value);
        }
    }
}

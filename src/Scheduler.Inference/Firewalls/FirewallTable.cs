using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Firewalls;

namespace Scheduler.Inference.Firewalls;

/// <summary>
/// Holds a copy of each firewall that is in use, kept fresh by a question to its grain that is answered when something changes. A copy that
/// cannot be kept fresh is thrown away, and the next request asks the grain, or fails with it: it never passes under a firewall that may
/// have been made stricter long ago.
/// </summary>
internal sealed partial class FirewallTable(IGrainFactory grains, TimeProvider clock, ILogger<FirewallTable> logger)
    : IFirewallTable,
        IDisposable
{
    /// <summary>Copies kept; a few kilobytes each. Beyond it firewalls are asked of their grains, one call a request.</summary>
    private const int Capacity = 10_000;

    /// <summary>How long a copy is kept fresh that nobody asks for.</summary>
    private static readonly TimeSpan KeptUnused = TimeSpan.FromMinutes(10);

    /// <summary>How long it is remembered that there is no such firewall.</summary>
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

    /// <summary>What is there is kept fresh; that something is not there is a matter of a moment.</summary>
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
            // The door closes.
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
        "Firewall {Slug} of {Account} could not be kept fresh; the next request asks for it anew"
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

using System.Collections.Concurrent;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Worker;

/// <summary>
/// Which host has which key. The journal of the cluster tells it before any host is asked. So a key never reaches a second host, also when
/// two silos ask at once. A released key stays released: a host that answers late finds the same in its own records.
/// </summary>
internal sealed class HostKeys(ProviderId provider, IAllocationJournal journal, TimeProvider clock)
{
    /// <summary>Each lost write is another writer's success, and there are as many as silos.</summary>
    private const int MaxWrites = 16;

    /// <summary>Longer than any command about a key is repeated.</summary>
    private static readonly TimeSpan Remember = TimeSpan.FromDays(8);

    private static readonly TimeSpan ForgetEvery = TimeSpan.FromHours(1);

    /// <summary>What hosts listed without an entry, for example after the store was restored from a back-up.</summary>
    private readonly ConcurrentDictionary<AllocationKey, string> _listed = [];

    private long _forgotAt;

    /// <summary>The host that a key belongs to; null for a key that no host has.</summary>
    internal async Task<string?> HostOfAsync(AllocationKey key, CancellationToken cancellationToken) =>
        await FindAsync(key, cancellationToken) switch
        {
            null or { Phase: AllocationPhase.Released } => _listed.GetValueOrDefault(key),
            var entry => HostOrNull(entry),
        };

    internal Task<AllocationEntry?> FindAsync(AllocationKey key, CancellationToken cancellationToken) =>
        journal.FindAsync(provider, key, cancellationToken);

    /// <summary>Entries of one host under which something may run.</summary>
    internal async Task<IEnumerable<AllocationEntry>> OpenAsync(string host, CancellationToken cancellationToken) =>
        (await journal.ListOpenAsync(provider, cancellationToken)).Where(entry => HostOrNull(entry) == host);

    /// <summary>Binds a key to a host before the host is asked.</summary>
    /// <returns>The entry, and whether this call wrote it: then no other call has asked the host.</returns>
    internal async Task<(AllocationEntry Entry, bool IsNew)> BindAsync(
        AllocationRequest request,
        string host,
        CancellationToken cancellationToken
    )
    {
        for (var write = 0; write < MaxWrites; write++)
        {
            var known = await FindAsync(request.Key, cancellationToken);
            if (known is not null && known.Phase != AllocationPhase.Refused)
            {
                return (known, false);
            }

            if (known is not null && HostOrNull(known) != host)
            {
                return (known, false);
            }

            var entry = new AllocationEntry
            {
                Provider = provider,
                Key = request.Key,
                Tag = request.Tag,
                Phase = AllocationPhase.Asking,
                ChangedAt = clock.GetUtcNow(),
                Notes = WorkerMapping.NotesOf(host),
                Version = known?.Version ?? 0,
            };
            if (await journal.TryWriteAsync(entry, cancellationToken))
            {
                return (entry with { Version = entry.Version + 1 }, known is null);
            }
        }

        throw Contended(request.Key);
    }

    /// <summary>Records that a host made nothing. Not needed for correctness, so a lost write stays lost.</summary>
    internal Task RefuseAsync(AllocationEntry entry, CancellationToken cancellationToken) =>
        journal.TryWriteAsync(
            entry with
            {
                Phase = AllocationPhase.Refused,
                ChangedAt = clock.GetUtcNow(),
            },
            cancellationToken
        );

    /// <summary>Bars a key before its host is asked to release it, and returns the host; null when no host was ever asked.</summary>
    internal async Task<string?> BarAsync(AllocationKey key, CancellationToken cancellationToken)
    {
        for (var write = 0; write < MaxWrites; write++)
        {
            var known = await FindAsync(key, cancellationToken);
            var listed = _listed.GetValueOrDefault(key);
            if (known is { Phase: AllocationPhase.Released })
            {
                return listed;
            }

            // A refused key that some host lists anyway was made by a call that ran beside the refused one.
            var host = known is null or { Phase: AllocationPhase.Refused } ? listed : HostOrNull(known) ?? listed;
            if (known is { Phase: AllocationPhase.Releasing } || await BarAsync(key, known, host, cancellationToken))
            {
                return host;
            }
        }

        throw Contended(key);
    }

    /// <summary>Records that nothing exists under a key.</summary>
    internal async Task CloseAsync(AllocationKey key, CancellationToken cancellationToken)
    {
        _listed.TryRemove(key, out _);
        for (var write = 0; write < MaxWrites; write++)
        {
            var known = await FindAsync(key, cancellationToken);
            if (
                known is null or { Phase: AllocationPhase.Released }
                || await journal.TryWriteAsync(
                    known with
                    {
                        Phase = AllocationPhase.Released,
                        ChangedAt = clock.GetUtcNow(),
                    },
                    cancellationToken
                )
            )
            {
                await ForgetOldAsync(cancellationToken);
                return;
            }
        }

        throw Contended(key);
    }

    /// <summary>Notes what a host lists, so that a key without an entry can be released there.</summary>
    internal void Listed(string host, IEnumerable<Allocation> allocations)
    {
        var keys = allocations.Select(allocation => allocation.Key).ToHashSet();
        foreach (var gone in _listed.Where(pair => pair.Value == host && !keys.Contains(pair.Key)).ToList())
        {
            _listed.TryRemove(gone);
        }

        foreach (var key in keys)
        {
            _listed[key] = host;
        }
    }

    /// <summary>A key that no host has is closed at once: a request for it that comes later finds it released.</summary>
    private Task<bool> BarAsync(
        AllocationKey key,
        AllocationEntry? known,
        string? host,
        CancellationToken cancellationToken
    )
    {
        var entry =
            known
            ?? new AllocationEntry
            {
                Provider = provider,
                Key = key,
                Tag = new AllocationTag("", default),
                Phase = AllocationPhase.Released,
                Notes = host is null ? "{}" : WorkerMapping.NotesOf(host),
            };
        return journal.TryWriteAsync(
            entry with
            {
                Phase = host is null ? AllocationPhase.Released : AllocationPhase.Releasing,
                ChangedAt = clock.GetUtcNow(),
            },
            cancellationToken
        );
    }

    private async Task ForgetOldAsync(CancellationToken cancellationToken)
    {
        var (now, before) = (clock.GetTimestamp(), Volatile.Read(ref _forgotAt));
        if (
            (before == 0 || clock.GetElapsedTime(before, now) >= ForgetEvery)
            && Interlocked.CompareExchange(ref _forgotAt, now, before) == before
        )
        {
            await journal.ForgetAsync(provider, clock.GetUtcNow() - Remember, cancellationToken);
        }
    }

    private static string? HostOrNull(AllocationEntry entry) =>
        entry.Notes == "{}" ? null : WorkerMapping.HostOf(entry);

    private static WorkerException Contended(AllocationKey key) =>
        new($"The journal's entry of '{key}' could not be written.");
}

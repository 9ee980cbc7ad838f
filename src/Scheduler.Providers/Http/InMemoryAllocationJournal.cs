using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Http;

/// <summary>A journal that is lost with the process: for tests, and where nothing durable is configured.</summary>
internal sealed class InMemoryAllocationJournal : IAllocationJournal
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(ProviderId, AllocationKey), AllocationEntry> _entries = [];

    public Task<AllocationEntry?> FindAsync(ProviderId provider, AllocationKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            return Task.FromResult(_entries.GetValueOrDefault((provider, key)));
        }
    }

    public Task<IReadOnlyList<AllocationEntry>> ListOpenAsync(ProviderId provider, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            return Task.FromResult<IReadOnlyList<AllocationEntry>>([
                .. _entries.Values.Where(entry => entry.Provider == provider && !IsClosed(entry)),
            ]);
        }
    }

    public Task<bool> TryWriteAsync(AllocationEntry entry, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            var key = (entry.Provider, entry.Key);
            if ((_entries.GetValueOrDefault(key)?.Version ?? 0) != entry.Version)
            {
                return Task.FromResult(false);
            }

            _entries[key] = entry with { Version = entry.Version + 1 };
            return Task.FromResult(true);
        }
    }

    public Task ForgetAsync(ProviderId provider, DateTimeOffset before, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            foreach (
                var (key, _) in _entries
                    .Where(pair => pair.Key.Item1 == provider && IsClosed(pair.Value) && pair.Value.ChangedAt < before)
                    .ToList()
            )
            {
                _entries.Remove(key);
            }
        }

        return Task.CompletedTask;
    }

    private static bool IsClosed(AllocationEntry entry) =>
        entry.Phase is AllocationPhase.Refused or AllocationPhase.Released;
}

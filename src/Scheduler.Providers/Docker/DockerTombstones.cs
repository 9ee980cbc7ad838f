using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Docker;

/// <summary>Released keys. An engine forgets the name of a removed container, so the journal of the cluster keeps them.</summary>
internal sealed class DockerTombstones(
    IAllocationJournal journal,
    ProviderId provider,
    TimeSpan remember,
    TimeProvider clock
)
{
    /// <summary>Each lost write is another writer's success, and there are as many as silos.</summary>
    private const int MaxWrites = 16;

    private static readonly TimeSpan ForgetEvery = TimeSpan.FromHours(1);

    private DateTimeOffset _forgotAt;

    internal async Task<bool> HasAsync(AllocationKey key, CancellationToken cancellationToken) =>
        await journal.FindAsync(provider, key, cancellationToken)
            is { Phase: AllocationPhase.Releasing or AllocationPhase.Released };

    /// <summary>Bars the key, before the container is looked for.</summary>
    internal Task BarAsync(AllocationKey key, CancellationToken cancellationToken) =>
        WriteAsync(key, AllocationPhase.Releasing, cancellationToken);

    /// <summary>Records that nothing exists under the key.</summary>
    internal async Task CloseAsync(AllocationKey key, CancellationToken cancellationToken)
    {
        await WriteAsync(key, AllocationPhase.Released, cancellationToken);
        var now = clock.GetUtcNow();
        if (now - _forgotAt >= ForgetEvery)
        {
            _forgotAt = now;
            await journal.ForgetAsync(provider, now - remember, cancellationToken);
        }
    }

    private async Task WriteAsync(AllocationKey key, AllocationPhase phase, CancellationToken cancellationToken)
    {
        for (var write = 0; write < MaxWrites; write++)
        {
            var entry = await journal.FindAsync(provider, key, cancellationToken);
            if (entry is not null && (entry.Phase == AllocationPhase.Released || entry.Phase == phase))
            {
                return;
            }

            entry ??= new AllocationEntry
            {
                Provider = provider,
                Key = key,
                Tag = new AllocationTag("", new AllocationMark("", key).Instance),
                Phase = phase,
            };
            if (
                await journal.TryWriteAsync(
                    entry with
                    {
                        Phase = phase,
                        ChangedAt = clock.GetUtcNow(),
                    },
                    cancellationToken
                )
            )
            {
                return;
            }
        }

        throw new DockerException($"the journal's entry of '{key}' could not be written", 0);
    }
}

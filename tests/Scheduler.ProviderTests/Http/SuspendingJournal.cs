using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.ProviderTests.Http;

/// <summary>The process stands still for a while after it has written that it is asking.</summary>
internal sealed class SuspendingJournal(FenceWorld world) : IAllocationJournal
{
    public async Task<bool> TryWriteAsync(AllocationEntry entry, CancellationToken cancellationToken)
    {
        var isWritten = await world.Journal.TryWriteAsync(entry, cancellationToken);
        if (entry.Phase == AllocationPhase.Asking)
        {
            world.Clock.Advance(world.Options.SendWithin + TimeSpan.FromSeconds(1));
        }

        return isWritten;
    }

    public Task<AllocationEntry?> FindAsync(
        ProviderId provider,
        AllocationKey key,
        CancellationToken cancellationToken
    ) => world.Journal.FindAsync(provider, key, cancellationToken);

    public Task<IReadOnlyList<AllocationEntry>> ListOpenAsync(
        ProviderId provider,
        CancellationToken cancellationToken
    ) => world.Journal.ListOpenAsync(provider, cancellationToken);

    public Task ForgetAsync(ProviderId provider, DateTimeOffset before, CancellationToken cancellationToken) =>
        world.Journal.ForgetAsync(provider, before, cancellationToken);
}

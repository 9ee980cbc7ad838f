using System.Collections.Frozen;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Grains.Telemetry;

internal sealed class MeasuredProvider(IProvider inner, SchedulerMetrics metrics, TimeProvider clock) : IProvider
{
    public ProviderId Id => inner.Id;

    public IEnumerable<RuntimePreset> Presets => inner.Presets;

    public IEnumerable<string> OwnOptions => inner.OwnOptions;

    public bool IsReachableFromOutside => inner.IsReachableFromOutside;

    public FrozenSet<AccountId> OnlyFor => inner.OnlyFor;

    public long OffersVersion => inner.OffersVersion;

    public Task<OfferListing> ListOffersAsync(CancellationToken cancellationToken) =>
        CallAsync("list_offers", () => inner.ListOffersAsync(cancellationToken), static _ => "ok");

    public Task<AllocateOutcome> AllocateAsync(AllocationRequest request, CancellationToken cancellationToken) =>
        CallAsync(
            "allocate",
            () => inner.AllocateAsync(request, cancellationToken),
            static outcome => outcome.IsAllocated ? "allocated" : "rejected"
        );

    public Task<Allocation?> FindAsync(AllocationKey key, CancellationToken cancellationToken) =>
        CallAsync("find", () => inner.FindAsync(key, cancellationToken), static _ => "ok");

    public Task<string> ReadOutputAsync(AllocationKey key, CancellationToken cancellationToken) =>
        CallAsync("read_output", () => inner.ReadOutputAsync(key, cancellationToken), static _ => "ok");

    public Task<IReadOnlyList<Allocation>> ListAllocationsAsync(string cluster, CancellationToken cancellationToken) =>
        CallAsync("list_allocations", () => inner.ListAllocationsAsync(cluster, cancellationToken), static _ => "ok");

    public Task<ReleaseOutcome> ReleaseAsync(AllocationKey key, CancellationToken cancellationToken) =>
        CallAsync(
            "release",
            () => inner.ReleaseAsync(key, cancellationToken),
            static outcome => outcome == ReleaseOutcome.Released ? "released" : "pending"
        );

    public IAsyncEnumerable<Allocation> WatchAsync(string cluster, CancellationToken cancellationToken) =>
        inner.WatchAsync(cluster, cancellationToken);

    private async Task<T> CallAsync<T>(string operation, Func<Task<T>> call, Func<T, string> outcomeOf)
    {
        using var span = SchedulerTracing.Provider(operation, Id);
        var began = clock.GetTimestamp();
        var outcome = "error";
        try
        {
            var answer = await call();
            outcome = outcomeOf(answer);
            return answer;
        }
        catch (OperationCanceledException)
        {
            // Cancelled by a deadline or a stop: not an error of the provider.
            outcome = "cancelled";
            throw;
        }
        finally
        {
            span?.SetTag("scheduler.outcome", outcome);
            metrics.ProviderCalled(Id, operation, outcome, clock.GetElapsedTime(began));
        }
    }
}

using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Grains.Telemetry;

/// <summary>A provider whose calls are timed, counted by how they ended, and seen in traces.</summary>
/// <param name="inner">The adapter.</param>
/// <param name="metrics">Where.</param>
/// <param name="clock">Measures.</param>
internal sealed class MeasuredProvider(IProvider inner, SchedulerMetrics metrics, TimeProvider clock) : IProvider
{
    /// <inheritdoc/>
    public ProviderId Id => inner.Id;

    /// <inheritdoc/>
    public Task<OfferListing> ListOffersAsync(CancellationToken cancellationToken) =>
        CallAsync("list_offers", () => inner.ListOffersAsync(cancellationToken), static _ => "ok");

    /// <inheritdoc/>
    public Task<AllocateOutcome> AllocateAsync(AllocationRequest request, CancellationToken cancellationToken) =>
        CallAsync(
            "allocate",
            () => inner.AllocateAsync(request, cancellationToken),
            static outcome => outcome.IsAllocated ? "allocated" : "rejected"
        );

    /// <inheritdoc/>
    public Task<Allocation?> FindAsync(AllocationKey key, CancellationToken cancellationToken) =>
        CallAsync("find", () => inner.FindAsync(key, cancellationToken), static _ => "ok");

    /// <inheritdoc/>
    public Task<string> ReadOutputAsync(AllocationKey key, CancellationToken cancellationToken) =>
        CallAsync("read_output", () => inner.ReadOutputAsync(key, cancellationToken), static _ => "ok");

    /// <inheritdoc/>
    public Task<IReadOnlyList<Allocation>> ListAllocationsAsync(string cluster, CancellationToken cancellationToken) =>
        CallAsync("list_allocations", () => inner.ListAllocationsAsync(cluster, cancellationToken), static _ => "ok");

    /// <inheritdoc/>
    public Task<ReleaseOutcome> ReleaseAsync(AllocationKey key, CancellationToken cancellationToken) =>
        CallAsync(
            "release",
            () => inner.ReleaseAsync(key, cancellationToken),
            static outcome => outcome == ReleaseOutcome.Released ? "released" : "pending"
        );

    /// <inheritdoc/>
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
            // Called off (a deadline, a Stop): no fault of the provider's.
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

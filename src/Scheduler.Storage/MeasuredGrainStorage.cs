using Orleans.Storage;
using Scheduler.Domain.Storage;

namespace Scheduler.Storage;

/// <summary>Decorator that measures the duration of grain storage calls by operation, kind and outcome.</summary>
internal sealed class MeasuredGrainStorage(IGrainStorage inner, StorageMetrics metrics, TimeProvider clock)
    : IGrainStorage
{
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ReadStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public Task ReadStateAsync<T>(
        string stateName,
        GrainId grainId,
        IGrainState<T> grainState,
        CancellationToken cancellationToken
    ) => TimeAsync("read", stateName, inner.ReadStateAsync(stateName, grainId, grainState, cancellationToken));

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        WriteStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public Task WriteStateAsync<T>(
        string stateName,
        GrainId grainId,
        IGrainState<T> grainState,
        CancellationToken cancellationToken
    ) => TimeAsync("write", stateName, inner.WriteStateAsync(stateName, grainId, grainState, cancellationToken));

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ClearStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public Task ClearStateAsync<T>(
        string stateName,
        GrainId grainId,
        IGrainState<T> grainState,
        CancellationToken cancellationToken
    ) => TimeAsync("clear", stateName, inner.ClearStateAsync(stateName, grainId, grainState, cancellationToken));

    private async Task TimeAsync(string operation, string kind, Task call)
    {
        var began = clock.GetTimestamp();
        try
        {
            await call;
        }
        catch (Exception exception)
        {
            metrics.Took(operation, kind, OutcomeOf(exception), clock.GetElapsedTime(began));
            throw;
        }

        metrics.Took(operation, kind, "ok", clock.GetElapsedTime(began));
    }

    private static string OutcomeOf(Exception exception) =>
        exception switch
        {
            InconsistentStateException => "conflict",
            StorageFullException => "full",
            StorageOutcomeUnknownException => "unknown",
            UnreadableStateException => "unreadable",
            OperationCanceledException => "cancelled",
            { InnerException: { } cause } => OutcomeOf(cause),
            _ => "error",
        };
}

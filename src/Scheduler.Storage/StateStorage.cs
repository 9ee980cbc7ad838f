using System.Globalization;
using Orleans.Storage;
using Scheduler.Domain.Storage;

namespace Scheduler.Storage;

/// <summary>
/// Orleans' ADO.NET grain storage with three additions. The duration of every call is measured by operation, kind and
/// outcome. The exception for an unreadable state names kind and key. A key that the storage would treat as a number is
/// rejected.
/// </summary>
internal sealed class StateStorage(IGrainStorage inner, StorageMetrics metrics, TimeProvider clock) : IGrainStorage
{
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ReadStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public Task ReadStateAsync<T>(
        string stateName,
        GrainId grainId,
        IGrainState<T> grainState,
        CancellationToken cancellationToken
    ) =>
        CallAsync(
            "read",
            stateName,
            grainId,
            () => inner.ReadStateAsync(stateName, grainId, grainState, cancellationToken)
        );

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        WriteStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public Task WriteStateAsync<T>(
        string stateName,
        GrainId grainId,
        IGrainState<T> grainState,
        CancellationToken cancellationToken
    ) =>
        CallAsync(
            "write",
            stateName,
            grainId,
            () => inner.WriteStateAsync(stateName, grainId, grainState, cancellationToken)
        );

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ClearStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public Task ClearStateAsync<T>(
        string stateName,
        GrainId grainId,
        IGrainState<T> grainState,
        CancellationToken cancellationToken
    ) =>
        CallAsync(
            "clear",
            stateName,
            grainId,
            () => inner.ClearStateAsync(stateName, grainId, grainState, cancellationToken)
        );

    private async Task CallAsync(string operation, string kind, GrainId grainId, Func<Task> call)
    {
        var began = clock.GetTimestamp();
        try
        {
            Guard(grainId);
            await call();
        }
        catch (Exception exception)
        {
            metrics.Took(operation, kind, OutcomeOf(exception), clock.GetElapsedTime(began));
            if (exception is UnreadableStateException unreadable)
            {
                throw new UnreadableStateException(
                    kind,
                    grainId.Key.ToString(),
                    unreadable.SchemaVersion,
                    unreadable.Why,
                    unreadable
                );
            }

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

    /// <summary>
    /// The ADO.NET storage treats every text key of hexadecimal digits as a number, so <c>abc</c>, <c>ABC</c> and
    /// <c>0abc</c> would share one row.
    /// </summary>
    private static void Guard(GrainId grainId)
    {
        var key = grainId.Key.ToString();
        if (
            key is null or ""
            || key.All(char.IsAsciiHexDigit)
            || Guid.TryParse(key, CultureInfo.InvariantCulture, out _)
        )
        {
            throw new ArgumentException(
                $"Grain key '{key}' of {grainId.Type} would be stored as a number; begin it with a prefix such as 'i-'.",
                nameof(grainId)
            );
        }
    }
}

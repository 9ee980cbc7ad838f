using Orleans.Storage;
using Scheduler.Domain.Secrets;
using Scheduler.Domain.Storage;

namespace Scheduler.Edge;

/// <summary>Maps transient exceptions of the cluster and the store to errors that allow a retry.</summary>
internal static class ExceptionMapping
{
    /// <summary>The error for the response; null for an unexpected exception.</summary>
    public static ApiError? Find(Exception exception) =>
        exception is TimeoutException or SiloUnavailableException or OrleansMessageRejectionException
        || IsTransientSiloLoss(exception)
            ? ApiError.Unavailable()
            : OfStore(exception);

    /// <summary>
    /// Orleans throws a plain <see cref="OrleansException"/> if a grain was placed in a silo that other silos already
    /// know to be dead. Subclasses of it, and instances with an inner exception, are errors of the code or of the
    /// store.
    /// </summary>
    private static bool IsTransientSiloLoss(Exception exception) =>
        exception.GetType() == typeof(OrleansException) && exception.InnerException is null;

    /// <summary>Orleans wraps the store's exceptions about a grain's state.</summary>
    private static ApiError? OfStore(Exception? exception) =>
        exception switch
        {
            null => null,
            // Another silo wrote the state in between: this activation was a duplicate, and the other one has the
            // current state.
            InconsistentStateException => ApiError.StoreUnclear(),
            StorageFullException => ApiError.StoreFull(),
            StorageOutcomeUnknownException => ApiError.StoreUnclear(),
            StorageReadOnlyException => ApiError.StoreFailed(),
            SecretUnreadableException unreadable => ApiError.SecretUnreadable(unreadable.Message),
            // Not its subclasses: a retry does not help if a state cannot be read.
            StorageException when exception.GetType() == typeof(StorageException) => ApiError.StoreFailed(),
            _ => OfStore(exception.InnerException),
        };
}

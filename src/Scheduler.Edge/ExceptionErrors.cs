using Orleans.Storage;
using Scheduler.Domain.Storage;

namespace Scheduler.Edge;

/// <summary>Exceptions that are the cluster's, not the code's: the call may be tried again.</summary>
internal static class ExceptionErrors
{
    /// <summary>The error to answer, or null for an exception nobody foresaw.</summary>
    public static DoorError? Find(Exception exception) =>
        exception is TimeoutException or SiloUnavailableException or OrleansMessageRejectionException
        || IsTurbulence(exception)
            ? DoorError.Unavailable()
            : OfStore(exception);

    /// <summary>
    /// What Orleans says, in no words of their own, of a grain that was to live in a silo which others already know to be dead. Its heirs, and
    /// what it wraps, are faults of the code or of the store.
    /// </summary>
    private static bool IsTurbulence(Exception exception) =>
        exception.GetType() == typeof(OrleansException) && exception.InnerException is null;

    /// <summary>Orleans wraps what the store said about a grain's state.</summary>
    private static DoorError? OfStore(Exception? exception) =>
        exception switch
        {
            null => null,
            // Another silo wrote the state meanwhile: this activation was a ghost, and its successor knows what is true.
            InconsistentStateException => DoorError.StoreUnclear(),
            StorageFullException => DoorError.StoreFull(),
            StorageOutcomeUnknownException => DoorError.StoreUnclear(),
            // Not its heirs: a state that cannot be read is not mended by trying again.
            StorageException when exception.GetType() == typeof(StorageException) => DoorError.StoreFailed(),
            _ => OfStore(exception.InnerException),
        };
}

using Orleans.Runtime;
using Scheduler.Domain.Storage;

namespace Scheduler.Api.Edge;

/// <summary>Exceptions that are the cluster's, not the code's: the call may be tried again.</summary>
internal static class ExceptionErrors
{
    /// <summary>The error to answer, or null for an exception nobody foresaw.</summary>
    public static ApiError? Find(Exception exception) =>
        exception switch
        {
            StorageFullException => ApiError.StoreFull(),
            StorageOutcomeUnknownException => ApiError.Unavailable(),
            // Not its heirs: a state that cannot be read is not mended by trying again.
            StorageException when exception.GetType() == typeof(StorageException) => ApiError.StoreFailed(),
            TimeoutException or SiloUnavailableException or OrleansMessageRejectionException => ApiError.Unavailable(),
            _ => null,
        };
}

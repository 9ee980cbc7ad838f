using Orleans.Runtime;

namespace Scheduler.Api.Edge;

/// <summary>Exceptions that are the cluster's, not the code's: the call may be tried again.</summary>
internal static class ExceptionErrors
{
    /// <summary>The error to answer, or null for an exception nobody foresaw.</summary>
    public static ApiError? Find(Exception exception) =>
        exception switch
        {
            TimeoutException or SiloUnavailableException or OrleansMessageRejectionException => ApiError.Unavailable(),
            _ => null,
        };
}

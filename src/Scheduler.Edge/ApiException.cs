namespace Scheduler.Edge;

/// <summary>
/// Carries a <see cref="ApiError"/> to the middleware or interceptor that writes it as the response. Never logged as
/// an error.
/// </summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage(
    "Design",
    "CA1064",
    Justification = "It never leaves the process: it is turned into a response."
)]
internal sealed class ApiException(ApiError error) : Exception(error.Message)
{
    public ApiError Error { get; } = error;
}

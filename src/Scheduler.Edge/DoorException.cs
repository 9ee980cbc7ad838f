namespace Scheduler.Edge;

/// <summary>
/// Carries a <see cref="DoorError"/> to the middleware or interceptor that writes it as the response. Never logged as
/// an error.
/// </summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage(
    "Design",
    "CA1064",
    Justification = "It never leaves the process: it is turned into a response."
)]
internal sealed class DoorException(DoorError error) : Exception(error.Message)
{
    public DoorError Error { get; } = error;
}

namespace Scheduler.Edge;

/// <summary>Carries an <see cref="DoorError"/> from where it is found out to the edge, which answers it. Never logged as an error.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage(
    "Design",
    "CA1064",
    Justification = "It never leaves this room: the edge turns it into an answer."
)]
internal sealed class DoorException(DoorError error) : Exception(error.Message)
{
    public DoorError Error { get; } = error;
}

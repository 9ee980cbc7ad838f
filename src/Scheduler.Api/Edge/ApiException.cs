namespace Scheduler.Api.Edge;

/// <summary>Carries an <see cref="ApiError"/> from where it is found out to the edge, which answers it. Never logged as an error.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage(
    "Design",
    "CA1064",
    Justification = "It never leaves this room: the edge turns it into an answer."
)]
internal sealed class ApiException(ApiError error) : Exception(error.Message)
{
    public ApiError Error { get; } = error;
}

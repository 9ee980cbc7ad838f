using Microsoft.Extensions.Logging;

namespace Scheduler.Providers.Simulated;

internal sealed partial class StandInRuntime
{
    [LoggerMessage(
        EventId = 6010,
        Level = LogLevel.Information,
        Message = "Simulated allocations serve the stand-in runtime at {Address}a/{{key}}/"
    )]
    private partial void LogListening(Uri address);

    [LoggerMessage(
        EventId = 6011,
        Level = LogLevel.Warning,
        Message = "Cannot reuse port {Port} of the stand-in runtime; earlier endpoints no longer work"
    )]
    private partial void LogPortTaken(Exception exception, int port);
}

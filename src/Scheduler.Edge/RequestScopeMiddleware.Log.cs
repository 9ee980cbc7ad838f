using Microsoft.Extensions.Logging;

namespace Scheduler.Edge;

internal sealed partial class RequestScopeMiddleware
{
    [LoggerMessage(Level = LogLevel.Error, Message = "Request to {Path} failed")]
    private partial void LogUnhandled(Exception exception, string path);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Request to {Path} cannot be answered now")]
    private partial void LogUnavailable(Exception exception, string path);
}

using Microsoft.Extensions.Logging;

namespace Scheduler.Edge;

internal sealed partial class RequestScopeMiddleware
{
    [LoggerMessage(3201, LogLevel.Error, "Request to {Path} failed; the response is 500")]
    private partial void LogUnhandled(Exception exception, string path);

    [LoggerMessage(3202, LogLevel.Warning, "Request to {Path} failed temporarily; the response is 503")]
    private partial void LogUnavailable(Exception exception, string path);
}

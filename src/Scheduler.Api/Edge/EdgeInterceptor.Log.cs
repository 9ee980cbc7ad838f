using Microsoft.Extensions.Logging;

namespace Scheduler.Api.Edge;

internal sealed partial class EdgeInterceptor
{
    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} failed; the caller gets INTERNAL")]
    private partial void LogUnhandled(Exception exception, string method);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Method} failed temporarily; the caller gets UNAVAILABLE")]
    private partial void LogUnavailable(Exception exception, string method);
}

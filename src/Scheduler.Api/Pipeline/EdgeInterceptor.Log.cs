using Microsoft.Extensions.Logging;

namespace Scheduler.Api.Pipeline;

internal sealed partial class EdgeInterceptor
{
    [LoggerMessage(3111, LogLevel.Error, "{Method} failed; the caller gets INTERNAL")]
    private partial void LogUnhandled(Exception exception, string method);

    [LoggerMessage(3112, LogLevel.Warning, "{Method} failed temporarily; the caller gets UNAVAILABLE")]
    private partial void LogUnavailable(Exception exception, string method);
}

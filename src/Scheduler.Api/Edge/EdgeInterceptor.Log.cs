using Microsoft.Extensions.Logging;

namespace Scheduler.Api.Edge;

internal sealed partial class EdgeInterceptor
{
    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} failed")]
    private partial void LogUnhandled(Exception exception, string method);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Method} cannot be answered now")]
    private partial void LogUnavailable(Exception exception, string method);
}

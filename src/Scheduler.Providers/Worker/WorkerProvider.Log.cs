using Microsoft.Extensions.Logging;

namespace Scheduler.Providers.Worker;

internal sealed partial class WorkerProvider
{
    [LoggerMessage(
        1790,
        LogLevel.Warning,
        "Host {Host} does not answer; what runs there counts as running until the host is lost: {Why}"
    )]
    private partial void LogSilent(string host, string why);

    [LoggerMessage(1791, LogLevel.Information, "Host {Host} answers again")]
    private partial void LogBack(string host);

    [LoggerMessage(
        1792,
        LogLevel.Error,
        "Host {Host} is lost: it has not answered for Providers:Worker:LostAfter; what ran there counts as taken back"
    )]
    private partial void LogLost(string host);

    [LoggerMessage(1793, LogLevel.Information, "Host {Host} got a new certificate")]
    private partial void LogRenewed(string host);

    [LoggerMessage(
        1794,
        LogLevel.Warning,
        "The certificate of host {Host} could not be renewed; retrying at the next listing"
    )]
    private partial void LogNotRenewed(Exception exception, string host);
}

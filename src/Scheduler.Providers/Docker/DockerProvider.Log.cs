using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;

namespace Scheduler.Providers.Docker;

internal sealed partial class DockerProvider
{
    [LoggerMessage(
        EventId = 6301,
        Level = LogLevel.Information,
        Message = "{Host} started {Key} for {Instance}: image {Image}, {Slots} GPUs or places"
    )]
    private partial void LogStarted(string host, AllocationKey key, InstanceId instance, string image, int slots);

    [LoggerMessage(
        EventId = 6302,
        Level = LogLevel.Information,
        Message = "{Host}: {Key} withdraws, another container has one of its GPUs"
    )]
    private partial void LogBackedOff(string host, AllocationKey key);

    [LoggerMessage(EventId = 6303, Level = LogLevel.Warning, Message = "{Host} could not start {Key}; it was removed")]
    private partial void LogNotStarted(Exception exception, string host, AllocationKey key);

    [LoggerMessage(EventId = 6308, Level = LogLevel.Debug, Message = "{Host} sends no events; connecting again")]
    private partial void LogNoEvents(Exception exception, string host);

    [LoggerMessage(
        EventId = 6309,
        Level = LogLevel.Warning,
        Message = "{Host} does not answer; its runtimes are unknown"
    )]
    private partial void LogUnreachable(Exception exception, string host);
}

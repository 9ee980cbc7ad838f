using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Instances;

internal sealed partial class InstanceGrain
{
    [LoggerMessage(
        1001,
        LogLevel.Information,
        "Instance {Instance} {From} → {To} by {Trigger}: {Reason} (request {RequestId}, {Actor})"
    )]
    private partial void LogTransition(
        InstanceId instance,
        string? from,
        string? to,
        string trigger,
        string reason,
        RequestId requestId,
        string actor
    );

    [LoggerMessage(1005, LogLevel.Information, "Instance {Instance}: late message about {Key} dropped")]
    private partial void LogStale(InstanceId instance, AllocationKey key);

    [LoggerMessage(1007, LogLevel.Error, "Instance {Instance}: {Work} failed; retrying")]
    private partial void LogRetrying(Exception exception, InstanceId instance, string work);

    [LoggerMessage(
        1008,
        LogLevel.Error,
        "Instance {Instance}: cannot compute the hint of a failure; recording it without"
    )]
    private partial void LogHintFailed(Exception exception, InstanceId instance);
}

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

    [LoggerMessage(1002, LogLevel.Debug, "Instance {Instance}: {Work} is needed no longer")]
    private partial void LogCalledOff(InstanceId instance, string work);

    [LoggerMessage(1003, LogLevel.Error, "Instance {Instance}: {Work} failed; it is tried again")]
    private partial void LogWorkFailed(Exception exception, InstanceId instance, string work);

    [LoggerMessage(
        1004,
        LogLevel.Warning,
        "Instance {Instance}: {Provider} gave no clear answer about {Key}; asked again"
    )]
    private partial void LogProviderUnclear(
        Exception exception,
        InstanceId instance,
        ProviderId provider,
        AllocationKey key
    );

    [LoggerMessage(1005, LogLevel.Information, "Instance {Instance}: news about {Key} came too late and is dropped")]
    private partial void LogStale(InstanceId instance, AllocationKey key);

    [LoggerMessage(
        1006,
        LogLevel.Warning,
        "Instance {Instance}: {Provider}, which must release {Key}, is configured no longer; configure it until that is done"
    )]
    private partial void LogProviderGone(InstanceId instance, ProviderId provider, AllocationKey key);
}

using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;

namespace Scheduler.Providers.Process;

internal sealed partial class ProcessProvider
{
    [LoggerMessage(
        EventId = 6101,
        Level = LogLevel.Information,
        Message = "Process provider found {Count} allocations in {Directory} and takes them over"
    )]
    private partial void LogAdopted(int count, string directory);

    [LoggerMessage(
        EventId = 6102,
        Level = LogLevel.Information,
        Message = "Started {Key} for {Instance}: preset {Preset}, port {Port}, {Gpus} GPUs"
    )]
    private partial void LogStarted(AllocationKey key, InstanceId instance, string preset, int port, int gpus);

    [LoggerMessage(
        EventId = 6103,
        Level = LogLevel.Information,
        Message = "Runtimes run as the users {First} to {Last} without new privileges; memory: {Memory}"
    )]
    private partial void LogIsolated(int first, int last, string memory);

    [LoggerMessage(
        EventId = 6104,
        Level = LogLevel.Warning,
        Message = "Runtimes run as the scheduler's own user, without new privileges; memory: {Memory}. Their code can read the store and the operator's key: start the scheduler as root, or use the process provider with trusted tenants only"
    )]
    private partial void LogNotIsolated(string memory);
}

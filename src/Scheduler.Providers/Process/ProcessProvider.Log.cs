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
}

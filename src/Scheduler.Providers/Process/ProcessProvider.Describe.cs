using System.Collections.Immutable;
using Scheduler.Domain.Hosts;

namespace Scheduler.Providers.Process;

internal sealed partial class ProcessProvider
{
    /// <summary>The GPUs of this host, the keys that run here, and the GPUs that are not offered, by reason.</summary>
    internal async Task<(
        ImmutableArray<HostGpuView> Gpus,
        ImmutableArray<string> Keys,
        ImmutableSortedDictionary<string, int> Skipped
    )> DescribeAsync(CancellationToken cancellationToken)
    {
        var reading = await _gpus.ListAsync(cancellationToken);
        var host = await HostAsync(cancellationToken);
        var records = _store.All();
        var owners = records
            .SelectMany(record => record.Gpus.Select(gpu => (Gpu: gpu, record.Key)))
            .ToLookup(pair => pair.Gpu, pair => pair.Key, StringComparer.Ordinal);
        return (
            [
                .. reading.Gpus.Select(gpu => new HostGpuView(
                    gpu.Uuid,
                    gpu.Name,
                    TypeOf(gpu) ?? "",
                    gpu.TotalMib,
                    gpu.FreeMib,
                    string.Join(' ', owners[gpu.Uuid])
                )),
            ],
            [.. records.Select(record => record.Key).Order(StringComparer.Ordinal)],
            host.Skipped
        );
    }
}

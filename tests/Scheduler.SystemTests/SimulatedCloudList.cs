using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Domain.Providers;
using Scheduler.ModelFit;
using Scheduler.Providers;

namespace Scheduler.SystemTests;

/// <summary>
/// The simulated cloud's own list of allocations, read from its journal: the true state beside the scheduler's records.
/// </summary>
internal static class SimulatedCloudList
{
    /// <summary>Instances that hold an allocation; an instance with two allocations is listed twice.</summary>
    public static async Task<IReadOnlyList<string>> InstancesAsync(
        string journal,
        CancellationToken cancellationToken
    ) => [.. (await ReadAsync(journal, cancellationToken)).Select(allocation => allocation.Tag.Instance.Value)];

    public static async Task<IReadOnlyList<Allocation>> ReadAsync(string journal, CancellationToken cancellationToken)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(
                new Dictionary<string, string?>
                {
                    ["Providers:Simulated:StatePath"] = journal,
                    ["Providers:Simulated:ServeRuntime"] = "false",
                }
            )
            .Build();
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddHttpClient()
            .AddProviders(configuration, (gpu, gib, type) => GpuCatalogue.Shipped.Resolve(gpu, gib, type)?.Name)
            .BuildServiceProvider();
        var held = new List<Allocation>();
        foreach (var provider in services.GetServices<IProvider>())
        {
            held.AddRange(await provider.ListAllocationsAsync("local", cancellationToken));
        }

        return held;
    }
}

using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Domain.Compatibility;
using Scheduler.Domain.Providers;
using Scheduler.Providers;

namespace Scheduler.SystemTests;

/// <summary>The simulated cloud's own list of what it holds, read from its journal: the truth beside what a scheduler believes.</summary>
internal static class SimulatedCloudList
{
    /// <summary>Instances that hold an allocation, each as often as it holds one.</summary>
    public static async Task<IReadOnlyList<string>> ReadAsync(string journal, CancellationToken cancellationToken)
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
        var held = new List<string>();
        foreach (var provider in services.GetServices<IProvider>())
        {
            held.AddRange(
                (await provider.ListAllocationsAsync("local", cancellationToken)).Select(a => a.Tag.Instance.Value)
            );
        }

        return held;
    }
}

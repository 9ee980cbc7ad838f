using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// One scheduler on a market where each route of <see cref="Troubles"/> goes wrong in a way of its own. The tests of the collection share
/// it, one after the other.
/// </summary>
public sealed class TroubledScheduler : IAsyncLifetime
{
    private const string Settings = """
        {
          "Scheduler": { "Launch": { "ProbeEvery": "00:00:00.050" }, "Providers": { "BreakerFailures": 1000 } },
          "Providers": { "Simulated": {
            "AllocateLatency": "00:00:00.020", "BootTime": "00:00:00.050", "ReleaseTime": "00:00:00", "CapacityPerOffer": 1000,
            "Vendors": ["verda", "nebius", "jarvislabs", "hyperstack", "fluidstack", "lium", "paperspace", "lambda"],
            "Faults": [
              { "Match": { "Provider": "sim-verda", "GpuType": "RTX-PRO-6000-Blackwell" }, "NeverAnswer": true },
              { "Match": { "Provider": "sim-verda", "GpuType": "H100-80GB-PCIe" }, "NeverAnswer": true },
              { "Match": { "Provider": "sim-verda", "GpuType": "B200-SXM" }, "NeverAnswer": true },
              { "Match": { "Provider": "sim-hyperstack", "GpuType": "A100-80GB-PCIe" }, "OutOfStock": true },
              { "Match": { "Provider": "sim-hyperstack", "GpuType": "L40" }, "OutOfStock": true },
              { "Match": { "Provider": "sim-hyperstack", "GpuType": "RTX-A6000" }, "QuotaExceeded": true },
              { "Match": { "Provider": "sim-lium", "GpuType": "RTX4090" }, "ImagePullError": true },
              { "Match": { "Provider": "sim-lium", "GpuType": "RTX3090" }, "ModelLoadError": true },
              { "Match": { "Provider": "sim-lium", "GpuType": "RTX5090" }, "ExitAfter": "00:00:00.200" },
              { "Match": { "Provider": "sim-jarvislabs", "OfferId": "IN2/1x_L4_28V_124G/L4x1/on_demand" }, "OomAfter": "00:00:00.200" },
              { "Match": { "Provider": "sim-paperspace" }, "BootTime": "00:00:03" },
              { "Match": { "Provider": "sim-nebius", "GpuType": "H200-141GB-SXM" }, "SpotReclaimAfter": "00:00:00.200" },
              { "Match": { "Provider": "sim-verda", "Region": "FIN-01", "GpuType": "A100-80GB-SXM" }, "SpotReclaimAfter": "00:00:02" } ] } }
        }
        """;

    private int _accounts;
    private int _instances;

    internal SchedulerProcess Process { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var folder = Directory.CreateTempSubdirectory("scheduler-").FullName;
        await File.WriteAllTextAsync(
            Path.Combine(folder, "troubles.json"),
            Settings,
            TestContext.Current.CancellationToken
        );
        Process = new SchedulerProcess(folder, "--config", "troubles.json");
        await Process.StartAsync(TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    internal Door Door(string transport) => SystemTests.Door.Of(transport, Process);

    /// <summary>A new account with so much money.</summary>
    internal async Task<string> AccountAsync(Door door, long microEuros)
    {
        var name = (await door.CreateAccountAsync($"acct-t{++_accounts}")).Ok.Name;
        if (microEuros > 0)
        {
            await TopUpAsync(door, name, microEuros);
        }

        return name;
    }

    internal static async Task TopUpAsync(Door door, string account, long microEuros) =>
        _ = (await door.TopUpAsync(account, microEuros, $"payment-{Guid.NewGuid():N}")).Ok;

    internal async Task<Instance> CreateAsync(Door door, string account, LaunchSpec spec) =>
        (await door.CreateInstanceAsync(account, $"trouble-{++_instances}", spec)).Ok;
}

[CollectionDefinition(Name)]
public sealed class TroubleGroup : ICollectionFixture<TroubledScheduler>
{
    public const string Name = "troubles";
}

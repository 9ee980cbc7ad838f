namespace Scheduler.TestKit;

/// <summary>A scheduler on a simulated market where each route of <see cref="Troubles"/> goes wrong in a way of its own.</summary>
public static class TroubledMarket
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
              { "Match": { "Provider": "sim-verda", "Region": "FIN-01", "GpuType": "A100-80GB-PCIe" }, "SpotReclaimAfter": "00:00:02" } ] } }
        }
        """;

    /// <summary>Starts one in a new directory.</summary>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <param name="settings">Further arguments.</param>
    public static async Task<SchedulerProcess> StartAsync(CancellationToken cancellationToken, params string[] settings)
    {
        var folder = Directory.CreateTempSubdirectory("scheduler-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "troubles.json"), Settings, cancellationToken);
        var process = new SchedulerProcess(folder, ["--config", "troubles.json", .. settings]);
        await process.StartAsync(cancellationToken);
        return process;
    }
}

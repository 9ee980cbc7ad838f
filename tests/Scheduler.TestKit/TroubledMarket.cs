namespace Scheduler.TestKit;

/// <summary>
/// A scheduler on a simulated market where each route of <see cref="Troubles"/> fails in its own way.
/// </summary>
public static class TroubledMarket
{
    private const string File = "troubles.json";

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
    public static async Task<SchedulerProcess> StartAsync(CancellationToken cancellationToken)
    {
        var process = new SchedulerProcess(await NewFolderAsync(cancellationToken), Arguments);
        await process.StartAsync(cancellationToken);
        return process;
    }

    /// <summary>Arguments of a process that reads the settings of its directory.</summary>
    public static string[] Arguments { get; } = ["--config", File];

    /// <summary>A new directory with the settings.</summary>
    public static async Task<string> NewFolderAsync(CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("scheduler-").FullName;
        await System.IO.File.WriteAllTextAsync(Path.Combine(folder, File), Settings, cancellationToken);
        return folder;
    }
}

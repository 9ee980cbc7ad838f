namespace Scheduler.Providers.Simulated;

/// <param name="VramGib">VRAM of one GPU in GiB.</param>
/// <param name="Capacity"><c>on_demand</c> or <c>spot</c>.</param>
/// <param name="UsdPerHour">Price of the whole machine.</param>
internal sealed record MarketRow(
    string Vendor,
    string Region,
    string Gpu,
    int GpuCount,
    double VramGib,
    string Capacity,
    decimal UsdPerHour,
    string InstanceType
);

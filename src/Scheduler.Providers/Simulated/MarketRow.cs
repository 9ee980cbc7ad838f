namespace Scheduler.Providers.Simulated;

/// <summary>One line of the market data.</summary>
/// <param name="Vendor">Whose offer it is.</param>
/// <param name="Region">In the vendor's words.</param>
/// <param name="Gpu">The vendor's name of the GPU.</param>
/// <param name="GpuCount">GPUs in the machine.</param>
/// <param name="VramGib">GiB of one GPU.</param>
/// <param name="Capacity"><c>on_demand</c> or <c>spot</c>.</param>
/// <param name="UsdPerHour">For the whole machine.</param>
/// <param name="InstanceType">The vendor's name of the machine.</param>
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

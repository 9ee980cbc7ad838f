using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Vast;

/// <summary>A slice of a machine that is offered.</summary>
public sealed record VastAsk(
    long Id,
    long Machine,
    string Gpu,
    double MemoryMb,
    int Count,
    decimal Price,
    decimal MinBid,
    string? Place,
    int Hosting
)
{
    /// <summary>Forty slices of single GPUs, and some others.</summary>
    internal static IEnumerable<VastAsk> Market() =>
        Enumerable
            .Range(0, 40)
            .Select(n => new VastAsk(
                1000 + n,
                10 + n,
                "RTX 4090",
                24_564,
                1,
                0.40m + n * 0.001m,
                0.2m,
                "California, US",
                0
            ))
            .Append(new VastAsk(2000, 100, "H100 SXM", 81_559, 8, 17.6m, 8.8m, "Iceland, IS", 1))
            .Append(new VastAsk(2001, 101, "A100 PCIE", 81_920, 2, 1.9m, 0.9m, "Sweden, SE", 1))
            .Append(new VastAsk(2002, 102, "GTX 1", 4_096, 1, 0.05m, 0.02m, null, 0));

    internal JsonObject ToJson() =>
        new()
        {
            ["id"] = Id,
            ["ask_contract_id"] = Id,
            ["machine_id"] = Machine,
            ["gpu_name"] = Gpu,
            ["gpu_ram"] = MemoryMb,
            ["num_gpus"] = Count,
            ["dph_base"] = Price - 0.02m,
            ["dph_total"] = Price,
            ["storage_cost"] = 0.15m,
            ["min_bid"] = MinBid,
            ["geolocation"] = Place,
            ["hosting_type"] = Hosting,
            ["direct_port_count"] = 42,
            ["inet_down"] = 900.5,
            ["cuda_max_good"] = 12.8,
            ["disk_space"] = 500.0,
            ["reliability2"] = 0.99,
            ["verification"] = "verified",
            ["rentable"] = true,
            ["rented"] = false,
        };
}

using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Shadeform;

/// <summary>Instance types of some clouds, with prices in cents.</summary>
internal static class ShadeformTypes
{
    internal sealed record Shape(
        string Cloud,
        string Type,
        string Gpu,
        int Vram,
        int Count,
        string Interconnect,
        int Cents,
        params string[] Regions
    );

    internal static readonly Shape[] All =
    [
        new("hyperstack", "H100x2", "H100", 80, 2, "pcie", 380, "canada-1", "norway-1"),
        new("massedcompute", "A100_80Gx1", "A100_80G", 80, 1, "pcie", 120, "us-central-2"),
        new("nebius", "H100_sxm5x8", "H100_sxm5", 80, 8, "sxm5", 2_360, "eu-north-1"),
        new("vultr", "RTX4090x1", "RTX4090", 24, 1, "pcie", 45, "us-east-1"),
        new("other", "Unknownx1", "GT1", 2, 1, "pcie", 10, "us-east-1"),
    ];

    internal static JsonObject ToJson(Shape shape, Func<string, bool> isThere) =>
        new()
        {
            ["cloud"] = shape.Cloud,
            ["shade_instance_type"] = shape.Type,
            ["cloud_instance_type"] = shape.Type,
            ["hourly_price"] = shape.Cents,
            ["deployment_type"] = "vm",
            ["configuration"] = new JsonObject
            {
                ["num_gpus"] = shape.Count,
                ["gpu_type"] = shape.Gpu,
                ["interconnect"] = shape.Interconnect,
                ["nvlink"] = shape.Interconnect != "pcie",
                ["vram_per_gpu_in_gb"] = shape.Vram,
                ["gpu_manufacturer"] = "nvidia",
            },
            ["availability"] = new JsonArray([
                .. shape.Regions.Select(region =>
                    (JsonNode)
                        new JsonObject
                        {
                            ["region"] = region,
                            ["available"] = isThere($"{shape.Cloud}/{region}/{shape.Type}"),
                            ["display_name"] = region,
                        }
                ),
            ]),
            ["boot_time"] = new JsonObject { ["min_boot_in_sec"] = 180, ["max_boot_in_sec"] = 300 },
        };
}

using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Lambda;

/// <summary>Instance types, with the regions that have capacity.</summary>
internal static class LambdaTypes
{
    internal sealed record LambdaType(
        string Name,
        string Gpu,
        int Cents,
        int Gpus,
        string Architecture,
        params string[] Regions
    )
    {
        internal JsonObject ToJson() =>
            new()
            {
                ["name"] = Name,
                ["description"] = $"{Gpus}x {Gpu}",
                ["gpu_description"] = Gpu,
                ["price_cents_per_hour"] = Cents,
                ["specs"] = new JsonObject
                {
                    ["vcpus"] = 30 * Gpus,
                    ["memory_gib"] = 200 * Gpus,
                    ["storage_gib"] = 1400,
                    ["gpus"] = Gpus,
                },
                ["architecture"] = Architecture,
            };
    }

    internal static readonly LambdaType[] All =
    [
        new("gpu_1x_a10", "A10 (24 GB PCIe)", 75, 1, "x86_64", "us-east-1", "us-west-1"),
        new("gpu_8x_h100_sxm5", "H100 (80 GB SXM5)", 2392, 8, "x86_64", "us-south-1"),
        new("gpu_1x_h100_pcie", "H100 (80 GB PCIe)", 249, 1, "x86_64", "us-west-3"),
        new("gpu_1x_gh200", "GH200 (96 GB)", 149, 1, "arm64", "us-east-3"),
        new("gpu_1x_a6000", "A6000 (48 GB)", 80, 1, "x86_64"),
        new("cpu_4x_general", "N/A", 20, 0, "x86_64", "us-east-1"),
    ];

    internal static LambdaType? Find(string name) => All.FirstOrDefault(type => type.Name == name);

    internal static JsonObject Listing(Func<string, bool> hasCapacity, bool lies)
    {
        var data = new JsonObject();
        foreach (var type in All)
        {
            data[type.Name] = Entry(type.ToJson(), hasCapacity(type.Name) ? type.Regions : []);
        }

        if (lies)
        {
            foreach (
                var (name, cents, gpus) in ((string, int, int)[])
                    [("free", 0, 1), ("negative", -5, 1), ("huge", 100, 4096)]
            )
            {
                var lie = All[0].ToJson();
                lie["name"] = name;
                lie["price_cents_per_hour"] = cents;
                lie["specs"]!["gpus"] = gpus;
                data[name] = Entry(lie, ["us-east-1"]);
            }

            data["nothing"] = "no object";
            data["twice"] = Entry(All[0].ToJson(), All[0].Regions);
        }

        return new JsonObject { ["data"] = data };
    }

    private static JsonObject Entry(JsonObject type, string[] regions) =>
        new()
        {
            ["instance_type"] = type,
            ["regions_with_capacity_available"] = new JsonArray([
                .. regions.Select(region => (JsonNode)new JsonObject { ["name"] = region, ["description"] = region }),
            ]),
        };
}

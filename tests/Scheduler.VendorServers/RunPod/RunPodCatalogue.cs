using System.Globalization;
using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.RunPod;

/// <summary>GPU types, with stock by data center.</summary>
internal static class RunPodCatalogue
{
    private static readonly string[] SecureCenters = ["US-KS-2", "EU-RO-1"];

    internal sealed record Gpu(
        string Id,
        string Name,
        int Memory,
        decimal Secure,
        decimal Community,
        int MaxSecure,
        int MaxCommunity
    );

    internal static readonly Gpu[] All =
    [
        new("NVIDIA GeForce RTX 4090", "RTX 4090", 24, 0.69m, 0.34m, 8, 4),
        new("NVIDIA H100 80GB HBM3", "H100 SXM", 80, 2.99m, 2.69m, 8, 2),
        new("NVIDIA A100 80GB PCIe", "A100 PCIe", 80, 1.64m, 1.19m, 8, 0),
        new("AMD Instinct MI300X OAM", "MI300X", 192, 2.49m, 0m, 8, 0),
        new("NVIDIA A30X", "A30X", 24, 0.4m, 0.3m, 1, 1),
    ];

    internal static Gpu? Find(string id) => All.FirstOrDefault(gpu => gpu.Id == id);

    internal static JsonObject ListingOf(string cloud, int count, string? countries, Func<string, int> left, bool lies)
    {
        var gpus = new JsonArray();
        foreach (var gpu in All)
        {
            var json = Base(gpu);
            var stock = StockOf(left(gpu.Id));
            var max = cloud == "SECURE" ? gpu.MaxSecure : gpu.MaxCommunity;
            json["availability"] = count > max ? "NONE" : stock;
            if (cloud == "SECURE" && count <= max)
            {
                json["dataCenters"] = new JsonArray([
                    .. SecureCenters
                        .Where(id => countries is null || countries.Split(',').Contains(CountryOf(id)))
                        .Select(id =>
                            (JsonNode)
                                new JsonObject
                                {
                                    ["id"] = id,
                                    ["name"] = id,
                                    ["availability"] = stock,
                                }
                        ),
                ]);
            }

            gpus.Add((JsonNode)json);
        }

        if (lies)
        {
            Lie(gpus);
        }

        return new JsonObject { ["gpus"] = gpus };
    }

    private static JsonObject Base(Gpu gpu) =>
        new()
        {
            ["id"] = gpu.Id,
            ["name"] = gpu.Name,
            ["pool"] = null,
            ["manufacturer"] = gpu.Id.StartsWith("AMD", StringComparison.Ordinal) ? "AMD" : "NVIDIA",
            ["memory"] = gpu.Memory,
            ["secure"] = gpu.MaxSecure > 0,
            ["community"] = gpu.MaxCommunity > 0,
            ["price"] = new JsonObject { ["secure"] = gpu.Secure, ["community"] = gpu.Community },
            ["maxCount"] = new JsonObject { ["secure"] = gpu.MaxSecure, ["community"] = gpu.MaxCommunity },
        };

    private static void Lie(JsonArray gpus)
    {
        gpus.Add(gpus[0]!.DeepClone());
        foreach (var (price, memory) in ((decimal, long)[])[(0, 80), (-1, 80), (1_000_000, 80), (1, -5)])
        {
            var lie = (JsonObject)gpus[1]!.DeepClone();
            lie["id"] = string.Create(CultureInfo.InvariantCulture, $"NVIDIA H100 80GB HBM3 {price} {memory}");
            lie["price"] = new JsonObject { ["secure"] = price, ["community"] = price };
            lie["memory"] = memory;
            gpus.Add((JsonNode)lie);
        }

        gpus.Add((JsonNode)JsonValue.Create("no object")!);
    }

    private static string CountryOf(string center) => center.StartsWith("US", StringComparison.Ordinal) ? "US" : "RO";

    private static string StockOf(int left) =>
        left switch
        {
            <= 0 => "NONE",
            1 => "LOW",
            <= 4 => "MEDIUM",
            _ => "HIGH",
        };
}

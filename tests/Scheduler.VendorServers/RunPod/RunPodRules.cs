using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.RunPod;

/// <summary>What the schema of a create request demands; unknown members are refused.</summary>
internal static class RunPodRules
{
    private static readonly string[] Members =
    [
        "name",
        "image",
        "args",
        "env",
        "ports",
        "disk",
        "gpu",
        "cloud",
        "dataCenterIds",
        "mounts",
        "registry",
        "templateId",
        "startSsh",
        "startJupyter",
        "globalNetworking",
    ];

    private static readonly string[] GpuMembers = ["id", "count", "minCudaVersion", "allowedCudaVersions"];

    internal static IReadOnlyList<string> FaultsOf(JsonObject? asked)
    {
        if (asked is null)
        {
            return ["body must be an object"];
        }

        var faults = new List<string>();
        faults.AddRange(
            asked.Where(pair => !Members.Contains(pair.Key)).Select(pair => $"unknown property {pair.Key}")
        );
        Need(asked["name"]?.GetValueKind() == System.Text.Json.JsonValueKind.String, "name is required", faults);
        Need(asked["image"]?.GetValueKind() == System.Text.Json.JsonValueKind.String, "image is required", faults);
        Need(asked["args"] is null or JsonValue, "args must be a string", faults);
        Need(asked["env"] is null or JsonObject, "env must be an object", faults);
        Need(asked["ports"] is null or JsonArray, "ports must be an array", faults);
        Need(asked["cloud"]?.GetValue<string>() is null or "SECURE" or "COMMUNITY", "cloud is invalid", faults);
        if (asked["gpu"] is not JsonObject gpu)
        {
            faults.Add("exactly one of gpu or cpu is required");
            return faults;
        }

        faults.AddRange(
            gpu.Where(pair => !GpuMembers.Contains(pair.Key)).Select(pair => $"unknown property gpu.{pair.Key}")
        );
        Need(gpu["id"] is JsonValue, "gpu.id is required", faults);
        Need(gpu["count"] is null || gpu["count"]!.GetValue<int>() >= 1, "gpu.count must be at least 1", faults);
        return faults;
    }

    private static void Need(bool isThere, string fault, List<string> faults)
    {
        if (!isThere)
        {
            faults.Add(fault);
        }
    }
}

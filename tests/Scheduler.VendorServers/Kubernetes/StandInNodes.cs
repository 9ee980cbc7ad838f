using System.Globalization;
using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>Nodes of the stand-in cluster.</summary>
internal static class StandInNodes
{
    /// <summary>A ready node with GPUs, enough processors and enough memory.</summary>
    internal static JsonObject Make(string name, JsonObject labels, int gpus, string resource = "nvidia.com/gpu") =>
        new()
        {
            ["kind"] = "Node",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = labels.DeepClone() },
            ["spec"] = new JsonObject
            {
                ["taints"] = new JsonArray(
                    new JsonObject
                    {
                        ["key"] = resource,
                        ["value"] = "present",
                        ["effect"] = "NoSchedule",
                    }
                ),
            },
            ["status"] = new JsonObject
            {
                ["allocatable"] = new JsonObject
                {
                    [resource] = gpus.ToString(CultureInfo.InvariantCulture),
                    ["cpu"] = "64",
                    ["memory"] = "512Gi",
                    ["pods"] = "110",
                },
                ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = "True" }),
            },
        };

    internal static JsonObject Labels(string product, int memoryMib, int count, string region) =>
        new()
        {
            ["nvidia.com/gpu.product"] = product,
            ["nvidia.com/gpu.memory"] = memoryMib.ToString(CultureInfo.InvariantCulture),
            ["nvidia.com/gpu.count"] = count.ToString(CultureInfo.InvariantCulture),
            ["nvidia.com/gpu.sharing-strategy"] = "none",
            ["topology.kubernetes.io/region"] = region,
        };
}

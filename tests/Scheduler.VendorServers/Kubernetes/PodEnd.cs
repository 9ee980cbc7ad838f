using System.Globalization;
using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>The deletion of a pod that a node has: it stays until the kubelet has stopped its containers.</summary>
internal static class PodEnd
{
    /// <summary>Marks the pod; a second request cannot lengthen its grace period.</summary>
    internal static void Ask(ApiStore store, JsonObject pod, string? graceSeconds, DateTimeOffset now) =>
        store.Change(
            "pods",
            pod.Text("metadata", "namespace")!,
            pod.Name(),
            item =>
            {
                var grace = long.Parse(
                    graceSeconds ?? item.Text("spec", "terminationGracePeriodSeconds") ?? "30",
                    CultureInfo.InvariantCulture
                );
                item.Meta()["deletionTimestamp"] ??= ApiObject.Time(now.AddSeconds(grace));
                item.Meta()["deletionGracePeriodSeconds"] ??= grace;
            }
        );

    /// <summary>Sets a condition of the pod's status.</summary>
    internal static void Condition(
        JsonObject pod,
        string type,
        string status,
        string? reason,
        string? message,
        DateTimeOffset now
    )
    {
        var all = pod.Within("status");
        if (all["conditions"] is not JsonArray conditions)
        {
            conditions = [];
            all["conditions"] = conditions;
        }

        var one = conditions.OfType<JsonObject>().FirstOrDefault(condition => condition.Text("type") == type);
        if (one is null)
        {
            one = new JsonObject { ["type"] = type };
            conditions.Add((JsonNode)one);
        }

        if (one.Text("status") != status || one.Text("reason") != reason || one.Text("message") != message)
        {
            one["status"] = status;
            one["lastTransitionTime"] = ApiObject.Time(now);
            Set(one, "reason", reason);
            Set(one, "message", message);
        }
    }

    private static void Set(JsonObject item, string member, string? value)
    {
        if (value is null)
        {
            item.Remove(member);
        }
        else
        {
            item[member] = value;
        }
    }
}

using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>Events about pods; equal ones are counted, as the cluster does.</summary>
internal sealed class ClusterEvents(ICluster store, TimeProvider clock)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);

    internal void Write(JsonObject pod, string reason, string message, string component)
    {
        lock (_gate)
        {
            var ns = pod.Text("metadata", "namespace")!;
            var now = ApiObject.Time(clock.GetUtcNow());
            var same = $"{pod.Uid()}/{reason}/{message}";
            if (_names.TryGetValue(same, out var known))
            {
                // The cluster's scheduler and autoscaler repeat themselves; only pulls are counted here, so that no event wakes their writer.
                if (component == "kubelet")
                {
                    store.Change(
                        "events",
                        ns,
                        known,
                        item =>
                        {
                            item["count"] = item["count"]!.GetValue<int>() + 1;
                            item["lastTimestamp"] = now;
                        }
                    );
                }

                return;
            }

            var name = $"{pod.Name()}.{_names.Count:x8}";
            _names[same] = name;
            store.Create(
                "events",
                ns,
                new JsonObject
                {
                    ["kind"] = "Event",
                    ["apiVersion"] = "v1",
                    ["metadata"] = new JsonObject { ["name"] = name },
                    ["involvedObject"] = new JsonObject
                    {
                        ["kind"] = "Pod",
                        ["namespace"] = ns,
                        ["name"] = pod.Name(),
                        ["uid"] = pod.Uid(),
                    },
                    ["reason"] = reason,
                    ["message"] = message,
                    ["type"] = "Normal",
                    ["count"] = 1,
                    ["firstTimestamp"] = now,
                    ["lastTimestamp"] = now,
                    ["source"] = new JsonObject { ["component"] = component },
                }
            );
        }
    }
}

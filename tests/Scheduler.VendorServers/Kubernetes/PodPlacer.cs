using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>The scheduler of the cluster: binds pods to nodes by affinity, taints and free resources.</summary>
internal sealed class PodPlacer(ApiStore store, ClusterEvents events, KubernetesQuirks quirks, TimeProvider clock)
{
    private static readonly string[] Resources = ["nvidia.com/gpu", "amd.com/gpu", "cpu", "memory"];

    /// <summary>How often the end of a pause is looked for.</summary>
    private static readonly TimeSpan PauseEnds = TimeSpan.FromMilliseconds(50);

    /// <summary>Autoscaled nodes that are on their way, by the pod that asked.</summary>
    private readonly Dictionary<string, DateTimeOffset> _coming = new(StringComparer.Ordinal);
    private int _made;

    /// <summary>One round over the pods without a node.</summary>
    /// <returns>When the next round is due although nothing changes; null if it is not.</returns>
    internal DateTimeOffset? Round()
    {
        if (quirks.SchedulerPaused)
        {
            return clock.GetUtcNow() + PauseEnds;
        }

        DateTimeOffset? due = null;
        foreach (
            var pod in store
                .List("pods", null)
                .Items.Where(pod => pod.Text("spec", "nodeName") is null && !pod.IsBeingDeleted())
        )
        {
            var (nodes, _) = store.List("nodes", "");
            var pods = store.List("pods", null).Items;
            var refusals = nodes.Select(node => (Node: node, Why: Refusal(node, pod, pods))).ToList();
            if (refusals.FirstOrDefault(one => one.Why is null).Node is { } free)
            {
                Bind(pod, free.Name());
                continue;
            }

            Refuse(pod, refusals.ConvertAll(one => one.Why!));
            due = Earlier(due, Scale(pod, nodes));
        }

        return due;
    }

    private void Bind(JsonObject pod, string node) =>
        store.Change(
            "pods",
            pod.Text("metadata", "namespace")!,
            pod.Name(),
            item =>
            {
                item.Within("spec")["nodeName"] = node;
                PodEnd.Condition(item, "PodScheduled", "True", null, null, clock.GetUtcNow());
            }
        );

    private void Refuse(JsonObject pod, List<string> why)
    {
        var reasons = why.GroupBy(reason => reason)
            .Select(group => $"{group.Count()} {group.Key}")
            .Order(StringComparer.Ordinal);
        var message = $"0/{why.Count} nodes are available: {string.Join(", ", reasons)}.";
        store.Change(
            "pods",
            pod.Text("metadata", "namespace")!,
            pod.Name(),
            item => PodEnd.Condition(item, "PodScheduled", "False", "Unschedulable", message, clock.GetUtcNow())
        );
        events.Write(pod, "FailedScheduling", message, "default-scheduler");
    }

    /// <summary>The autoscaler's answer to a pod without room.</summary>
    private DateTimeOffset? Scale(JsonObject pod, List<JsonObject> nodes)
    {
        if (quirks.AutoscalerRefuses)
        {
            events.Write(
                pod,
                "NotTriggerScaleUp",
                "pod didn't trigger scale-up: 1 max node group size reached",
                "cluster-autoscaler"
            );
        }

        if (quirks.AutoscalerMakes is not { } takes)
        {
            return null;
        }

        var now = clock.GetUtcNow();
        if (!_coming.TryGetValue(pod.Uid(), out var at))
        {
            at = now + takes;
            _coming[pod.Uid()] = at;
            events.Write(
                pod,
                "TriggeredScaleUp",
                "pod triggered scale-up: [{gpu-pool 0->1 (max: 2)}]",
                "cluster-autoscaler"
            );
        }

        if (now < at)
        {
            return at;
        }

        _coming.Remove(pod.Uid());
        var labels = new JsonObject();
        foreach (
            var rule in Terms(pod)
                .FirstOrDefault()
                .Items("matchExpressions")
                .Where(rule => rule.Text("operator") == "In")
        )
        {
            labels[rule.Text("key")!] = ((JsonArray)rule["values"]!)[0]!.DeepClone();
        }

        var gpus = (int)Request(pod, "nvidia.com/gpu");
        store.Create("nodes", "", StandInNodes.Make($"scaled-{++_made}-of-{nodes.Count}", labels, gpus));
        return now;
    }

    /// <summary>Why a node does not take a pod, in the words of the real scheduler; null if it does.</summary>
    private static string? Refusal(JsonObject node, JsonObject pod, List<JsonObject> pods)
    {
        if (node.At("spec", "unschedulable") is JsonValue cordoned && cordoned.GetValue<bool>())
        {
            return "node(s) were unschedulable";
        }

        var untolerated = node.Items("spec", "taints").FirstOrDefault(taint => !IsTolerated(taint, pod));
        if (untolerated is not null)
        {
            return $"node(s) had taint {{{untolerated.Text("key")}: {untolerated.Text("value")}}}, that the pod didn't tolerate";
        }

        var terms = Terms(pod).ToList();
        if (terms.Count > 0 && !terms.Exists(term => term.Items("matchExpressions").All(rule => Holds(rule, node))))
        {
            return "node(s) didn't match node selector";
        }

        var bound = pods.FindAll(other =>
            other.Text("spec", "nodeName") == node.Name()
            && other.Text("status", "phase") is not ("Failed" or "Succeeded")
        );
        var lacking = Resources.FirstOrDefault(resource =>
            Request(pod, resource) is var wanted and > 0
            && node.Amount("status", "allocatable", resource) - bound.Sum(other => Request(other, resource)) < wanted
        );
        return lacking is null ? null : $"Insufficient {lacking}";
    }

    internal static decimal Request(JsonObject pod, string resource) =>
        pod.Items("spec", "containers").Sum(container => container.Amount("resources", "requests", resource));

    private static IEnumerable<JsonObject> Terms(JsonObject pod) =>
        pod.Items(
            "spec",
            "affinity",
            "nodeAffinity",
            "requiredDuringSchedulingIgnoredDuringExecution",
            "nodeSelectorTerms"
        );

    private static bool Holds(JsonObject rule, JsonObject node)
    {
        var value = node.At("metadata", "labels").Text(rule.Text("key")!);
        var isIn = rule["values"] is JsonArray values && values.Any(one => one!.ToString() == value);
        return rule.Text("operator") switch
        {
            "In" => isIn,
            "NotIn" => !isIn,
            "Exists" => value is not null,
            "DoesNotExist" => value is null,
            _ => false,
        };
    }

    private static bool IsTolerated(JsonObject taint, JsonObject pod) =>
        taint.Text("effect") == "PreferNoSchedule"
        || pod.Items("spec", "tolerations")
            .Any(one =>
                one.Text("key") == taint.Text("key")
                && one.Text("effect") is var effect
                && (effect is null || effect == taint.Text("effect"))
                && (one.Text("operator") == "Exists" || one.Text("value") == taint.Text("value"))
            );

    internal static DateTimeOffset? Earlier(DateTimeOffset? one, DateTimeOffset? other) =>
        one is null || other < one ? other ?? one : one;
}

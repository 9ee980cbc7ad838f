using k8s.Models;

namespace Scheduler.Providers.Kubernetes;

/// <summary>What the status of a pod says about its runtime.</summary>
/// <param name="Reason">Kubernetes' own token, for example <c>OOMKilled</c>; null if there is none.</param>
/// <param name="Message">Kubernetes' own words; empty if there are none.</param>
internal sealed record PodReading(PodState State, string? Reason = null, string Message = "", int? ExitCode = null)
{
    /// <summary>Reason and words together, as a failure shows them; null without both.</summary>
    internal string? Words =>
        Reason is null && Message.Length == 0 ? null
        : Message.Length == 0 ? Reason
        : Reason is null ? KubernetesFailures.Words(Message)
        : KubernetesFailures.Words($"{Reason}: {Message}");

    /// <summary>Whether a node accepted the pod, so that its GPUs are ours.</summary>
    internal bool IsTaken => State is not (PodState.Unscheduled or PodState.Bound or PodState.Refused);

    private static readonly HashSet<string> ImageReasons = new(StringComparer.Ordinal)
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ImageInspectError",
        "ErrImageNeverPull",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    };

    private static readonly HashSet<string> StartReasons = new(StringComparer.Ordinal)
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PreStartHookError",
        "PostStartHookError",
    };

    /// <summary>Phase <c>Failed</c> with one of these: the node or the control plane took the capacity back.</summary>
    private static readonly HashSet<string> TakenBackReasons = new(StringComparer.Ordinal)
    {
        "Evicted",
        "Terminated",
        "Shutdown",
        "NodeShutdown",
        "Preempting",
    };

    /// <summary>An eviction with one of these: the pod used more than its own limit, so its runtime caused it.</summary>
    private static readonly string[] OwnLimits =
    [
        "exceeds the total limit of containers",
        "exceeded its local ephemeral storage limit",
        "Usage of EmptyDir volume",
    ];

    /// <remarks>
    /// An exit before a disruption or a deletion is an exit. One after it is a consequence, as are its code and its reason.
    /// </remarks>
    internal static PodReading Of(V1Pod pod)
    {
        var container = pod.Status?.ContainerStatuses?.FirstOrDefault(one => one.Name == KubernetesNames.Container);
        var ended = container?.State?.Terminated;
        var disruption = Condition(pod, "DisruptionTarget") ?? Condition(pod, "TerminationTarget");
        if (disruption is { Status: "True" } && !IsBefore(ended, disruption.LastTransitionTime))
        {
            return new(PodState.TakenBack, disruption.Reason ?? disruption.Type, disruption.Message ?? "");
        }

        if (pod.Status?.Phase == "Failed" && OfFailed(pod, container) is { } failed)
        {
            return failed;
        }

        if (pod.Metadata.DeletionTimestamp is { } deletion)
        {
            var askedAt = deletion.AddSeconds(-(pod.Metadata.DeletionGracePeriodSeconds ?? 0));
            if (!IsBefore(ended, askedAt))
            {
                return new(
                    container is null ? PodState.Refused : PodState.TakenBack,
                    "Terminating",
                    "the pod is being deleted"
                );
            }
        }

        return ended is not null ? OfEnded(ended)
            : container is null ? OfUntaken(pod)
            : container.State?.Running is not null ? new(IsNodeLost(pod) ? PodState.NodeLost : PodState.Running)
            : OfWaiting(container.State?.Waiting);
    }

    private static PodReading? OfFailed(V1Pod pod, V1ContainerStatus? container)
    {
        var (reason, message) = (pod.Status.Reason, pod.Status.Message ?? "");
        if (reason is not null && TakenBackReasons.Contains(reason))
        {
            return Array.Exists(OwnLimits, limit => message.Contains(limit, StringComparison.Ordinal))
                ? new(PodState.Ended, reason, message)
                : new(PodState.TakenBack, reason, message);
        }

        var isRefused =
            container is null
            || reason is "UnexpectedAdmissionError" or "NodeAffinity"
            || reason?.StartsWith("OutOf", StringComparison.Ordinal) == true;
        return isRefused ? new(PodState.Refused, reason ?? "Failed", message) : null;
    }

    private static PodReading OfEnded(V1ContainerStateTerminated ended)
    {
        // "Completed" and "Error" only repeat whether the code is zero.
        var reason = ended.Reason is "Completed" or "Error" or "" ? null : ended.Reason;
        var code = ended.Signal is > 0 and < 65 ? 128 + ended.Signal.Value : ended.ExitCode;
        return new(PodState.Ended, reason, ended.Message ?? "", code);
    }

    private static PodReading OfUntaken(V1Pod pod)
    {
        if (!string.IsNullOrEmpty(pod.Spec?.NodeName))
        {
            return new(PodState.Bound);
        }

        return Condition(pod, "PodScheduled") is { Status: "False" } unscheduled
            ? new(PodState.Unscheduled, unscheduled.Reason, unscheduled.Message ?? "")
            : new(PodState.Unscheduled);
    }

    private static PodReading OfWaiting(V1ContainerStateWaiting? waiting)
    {
        var reason = waiting?.Reason ?? "";
        var state =
            ImageReasons.Contains(reason) ? PodState.ImageError
            : StartReasons.Contains(reason) ? PodState.StartError
            : PodState.Starting;
        return new(state, waiting?.Reason, waiting?.Message ?? "");
    }

    /// <summary>
    /// The control plane lost the node: it says that the pod is not ready, but not that its containers are not. The kubelet
    /// always changes both.
    /// </summary>
    private static bool IsNodeLost(V1Pod pod) =>
        pod.Status.Phase == "Unknown"
        || pod.Status.Reason == "NodeLost"
        || (
            Condition(pod, "Ready") is { Status: "False" or "Unknown" }
            && Condition(pod, "ContainersReady") is { Status: "True" }
        );

    private static bool IsBefore(V1ContainerStateTerminated? ended, DateTime? moment) =>
        ended?.FinishedAt is { } finished && moment is { } at && finished < at;

    private static V1PodCondition? Condition(V1Pod pod, string type) =>
        pod.Status?.Conditions?.FirstOrDefault(condition => condition.Type == type);
}

internal enum PodState
{
    /// <summary>No node yet; the message is the cluster scheduler's.</summary>
    Unscheduled,

    /// <summary>A node is chosen, but its kubelet has not taken the pod.</summary>
    Bound,

    /// <summary>The node refused the pod, or it was deleted before a node took it: nothing of it ran.</summary>
    Refused,

    /// <summary>The image is pulled, or the container is created.</summary>
    Starting,

    /// <summary>The image could not be pulled. The kubelet tries again, with growing pauses.</summary>
    ImageError,

    /// <summary>The container could not be created or started. The kubelet tries again.</summary>
    StartError,

    Running,

    /// <summary>The runtime ran when the control plane heard of its node for the last time.</summary>
    NodeLost,

    Ended,

    /// <summary>Preempted, evicted, or deleted, by others or by a release.</summary>
    TakenBack,
}

using k8s;
using k8s.Models;
using Scheduler.Providers.Kubernetes;
using Xunit;

namespace Scheduler.ProviderTests.Kubernetes;

/// <summary>What each status of a pod means. The texts are those that real kubelets and controllers write.</summary>
public sealed class PodReadingTests
{
    private const string Running = """ "containerStatuses":[{"name":"runtime","ready":true,"state":{"running":{}}}] """;

    public static TheoryData<string, string, string?> Statuses =>
        new()
        {
            { """ {} """, "Unscheduled", null },
            {
                """ {"conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"0/3 nodes are available: 3 Insufficient nvidia.com/gpu."}]} """,
                "Unscheduled",
                "Unschedulable: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
            },
            {
                """ {"conditions":[{"type":"PodScheduled","status":"False","reason":"SchedulingGated","message":"Scheduling is blocked due to non-empty scheduling gates"}]} """,
                "Unscheduled",
                "SchedulingGated: Scheduling is blocked due to non-empty scheduling gates"
            },
            { Waiting("ContainerCreating"), "Starting", "ContainerCreating" },
            { Waiting("PodInitializing"), "Starting", "PodInitializing" },
            { Waiting("ErrImagePull", "manifest unknown"), "ImageError", "ErrImagePull: manifest unknown" },
            { Waiting("ImagePullBackOff"), "ImageError", "ImagePullBackOff" },
            { Waiting("InvalidImageName"), "ImageError", "InvalidImageName" },
            { Waiting("ImageInspectError"), "ImageError", "ImageInspectError" },
            { Waiting("ErrImageNeverPull"), "ImageError", "ErrImageNeverPull" },
            { Waiting("RegistryUnavailable"), "ImageError", "RegistryUnavailable" },
            {
                Waiting("CreateContainerConfigError", "secret \\\"x\\\" not found"),
                "StartError",
                "CreateContainerConfigError: secret \"x\" not found"
            },
            { Waiting("CreateContainerError"), "StartError", "CreateContainerError" },
            { Waiting("RunContainerError"), "StartError", "RunContainerError" },
            { "{" + Running + "}", "Running", null },
            { Ended(137, "OOMKilled"), "Ended", "OOMKilled" },
            { Ended(137, "Error"), "Ended", null },
            { Ended(0, "Completed"), "Ended", null },
            {
                """ {"phase":"Failed","reason":"UnexpectedAdmissionError","message":"Allocate failed"} """,
                "Refused",
                "UnexpectedAdmissionError: Allocate failed"
            },
            {
                """ {"phase":"Failed","reason":"OutOfnvidia.com/gpu","message":"Node didn't have enough resource"} """,
                "Refused",
                "OutOfnvidia.com/gpu: Node didn't have enough resource"
            },
            { """ {"phase":"Failed","reason":"NodeAffinity"} """, "Refused", "NodeAffinity" },
            {
                """ {"phase":"Failed","reason":"Evicted","message":"The node was low on resource: memory."} """,
                "TakenBack",
                "Evicted: The node was low on resource: memory."
            },
            {
                """ {"phase":"Failed","reason":"Evicted","message":"Pod ephemeral local storage usage exceeds the total limit of containers 10Gi."} """,
                "Ended",
                "Evicted: Pod ephemeral local storage usage exceeds the total limit of containers 10Gi."
            },
            {
                """ {"phase":"Failed","reason":"Terminated","message":"Pod was terminated in response to imminent node shutdown."} """,
                "TakenBack",
                "Terminated: Pod was terminated in response to imminent node shutdown."
            },
            { """ {"phase":"Failed","reason":"Shutdown"} """, "TakenBack", "Shutdown" },
            { Disrupted("PreemptionByScheduler"), "TakenBack", "PreemptionByScheduler" },
            { Disrupted("DeletionByTaintManager"), "TakenBack", "DeletionByTaintManager" },
            { Disrupted("EvictionByEvictionAPI"), "TakenBack", "EvictionByEvictionAPI" },
            { Disrupted("DeletionByPodGC"), "TakenBack", "DeletionByPodGC" },
            { Disrupted("TerminationByKubelet"), "TakenBack", "TerminationByKubelet" },
            {
                """{"conditions":[{"type":"TerminationTarget","status":"True","reason":"WorkloadEvictedDueToPreempted"}],"""
                    + Running
                    + "}",
                "TakenBack",
                "WorkloadEvictedDueToPreempted"
            },
            { """{"conditions":[{"type":"DisruptionTarget","status":"False"}],""" + Running + "}", "Running", null },
            {
                """{"conditions":[{"type":"Ready","status":"False"},{"type":"ContainersReady","status":"True"}],"""
                    + Running
                    + "}",
                "NodeLost",
                null
            },
            { """{"phase":"Unknown",""" + Running + "}", "NodeLost", null },
            {
                """{"conditions":[{"type":"Ready","status":"False"},{"type":"ContainersReady","status":"False"}],"""
                    + Running
                    + "}",
                "Running",
                null
            },
        };

    [Theory]
    [MemberData(nameof(Statuses))]
    public void Each_status_has_one_meaning(string status, string state, string? words)
    {
        var reading = PodReading.Of(Pod(status));

        Assert.Equal(state, reading.State.ToString());
        Assert.Equal(words, reading.Words);
    }

    [Theory]
    [InlineData(0, null, 1)]
    [InlineData(137, null, 137)]
    [InlineData(0, 9, 137)]
    public void A_signal_counts_as_128_and_its_number(int code, int? signal, int expected)
    {
        var ended = new V1ContainerStateTerminated
        {
            ExitCode = code == 0 && signal is null ? 1 : code,
            Signal = signal,
        };
        var pod = Pod("{}");
        pod.Status.ContainerStatuses =
        [
            new V1ContainerStatus
            {
                Name = "runtime",
                State = new V1ContainerState { Terminated = ended },
            },
        ];

        Assert.Equal(expected, PodReading.Of(pod).ExitCode);
    }

    [Fact]
    public void A_bound_pod_is_not_taken_until_its_kubelet_reports_a_container()
    {
        var pod = Pod("{}");
        pod.Spec.NodeName = "gpu-1";
        Assert.Equal((PodState.Bound, false), (PodReading.Of(pod).State, PodReading.Of(pod).IsTaken));

        pod.Status = KubernetesJson.Deserialize<V1PodStatus>(Waiting("ContainerCreating"));
        Assert.True(PodReading.Of(pod).IsTaken);
    }

    [Theory]
    [InlineData(-60, "Ended")]
    [InlineData(5, "TakenBack")]
    public void An_exit_counts_if_it_came_before_the_deletion(int seconds, string state)
    {
        var askedAt = new DateTime(2026, 1, 1, 12, 0, 0, DateTimeKind.Utc);
        var pod = Pod(Ended(1, "Error"));
        pod.Status.ContainerStatuses[0].State.Terminated.FinishedAt = askedAt.AddSeconds(seconds);
        pod.Metadata.DeletionTimestamp = askedAt.AddSeconds(30);
        pod.Metadata.DeletionGracePeriodSeconds = 30;

        Assert.Equal(state, PodReading.Of(pod).State.ToString());
    }

    [Theory]
    [InlineData(-60, "Ended")]
    [InlineData(5, "TakenBack")]
    public void An_exit_counts_if_it_came_before_the_disruption(int seconds, string state)
    {
        var at = new DateTime(2026, 1, 1, 12, 0, 0, DateTimeKind.Utc);
        var pod = Pod(Ended(143, "Error"));
        pod.Status.ContainerStatuses[0].State.Terminated.FinishedAt = at.AddSeconds(seconds);
        pod.Status.Conditions =
        [
            new V1PodCondition
            {
                Type = "DisruptionTarget",
                Status = "True",
                LastTransitionTime = at,
            },
        ];

        Assert.Equal(state, PodReading.Of(pod).State.ToString());
    }

    private static V1Pod Pod(string status) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = "pod" },
            Spec = new V1PodSpec(),
            Status = KubernetesJson.Deserialize<V1PodStatus>(status),
        };

    private static string Waiting(string reason, string message = "") =>
        $$$$"""{"containerStatuses":[{"name":"runtime","state":{"waiting":{"reason":"{{{{reason}}}}","message":"{{{{message}}}}"}}}]}""";

    private static string Ended(int code, string reason) =>
        $$$$"""{"phase":"Failed","containerStatuses":[{"name":"runtime","state":{"terminated":{"exitCode":{{{{code}}}},"reason":"{{{{reason}}}}"}}}]}""";

    private static string Disrupted(string reason) =>
        $$$$"""{"conditions":[{"type":"DisruptionTarget","status":"True","reason":"{{{{reason}}}}"}],{{{{Running}}}}}""";
}

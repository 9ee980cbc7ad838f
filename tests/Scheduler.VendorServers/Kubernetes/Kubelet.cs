using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>The kubelets of all nodes: they take pods, pull images, start and stop containers, and report their states.</summary>
internal sealed class Kubelet(
    ICluster store,
    ClusterEvents events,
    KubernetesQuirks quirks,
    PodLogs logs,
    PodAddresses addresses,
    TimeProvider clock
)
{
    private readonly Dictionary<string, PodRun> _runs = new(StringComparer.Ordinal);

    /// <summary>Nodes that the control plane has lost; their kubelets change nothing any more.</summary>
    internal HashSet<string> LostNodes { get; } = new(StringComparer.Ordinal);

    /// <summary>One round over the bound pods.</summary>
    /// <returns>When the next round is due although nothing changes; null if it is not.</returns>
    internal async Task<DateTimeOffset?> RoundAsync()
    {
        DateTimeOffset? due = null;
        var pods = store.List("pods", null).Items;
        foreach (var gone in _runs.Keys.Except(pods.Select(pod => pod.Uid()), StringComparer.Ordinal).ToList())
        {
            await StopAsync(gone);
            _runs.Remove(gone);
        }

        foreach (var pod in pods.Where(pod => pod.Text("spec", "nodeName") is not null))
        {
            if (LostNodes.Contains(pod.Text("spec", "nodeName")!))
            {
                await StopAsync(pod.Uid());
                continue;
            }

            due = PodPlacer.Earlier(due, await SyncAsync(pod));
        }

        return due;
    }

    internal async Task StopAllAsync()
    {
        foreach (var uid in _runs.Keys)
        {
            await StopAsync(uid);
        }
    }

    private async Task<DateTimeOffset?> SyncAsync(JsonObject pod)
    {
        var now = clock.GetUtcNow();
        if (!_runs.TryGetValue(pod.Uid(), out var run))
        {
            _runs[pod.Uid()] = run = new PodRun { ReadyToStartAt = now + quirks.PullTakes };
            if (pod.Text("status", "phase") == "Pending" && !Take(pod))
            {
                run.IsOver = true;
            }
        }

        if (pod.IsBeingDeleted())
        {
            run.StopsAt ??= now + quirks.StopTakes;
            if (now < run.StopsAt)
            {
                return run.StopsAt;
            }

            await StopAsync(pod.Uid());
            store.Remove("pods", pod.Text("metadata", "namespace")!, pod.Name());
            return null;
        }

        if (run.IsOver || run.Runtime is not null)
        {
            return null;
        }

        if (now < run.ReadyToStartAt)
        {
            return run.ReadyToStartAt;
        }

        if (quirks.PullError is { } words)
        {
            return FailPull(pod, run, words);
        }

        await StartAsync(pod, run);
        return null;
    }

    /// <returns>False if the node refuses the pod.</returns>
    private bool Take(JsonObject pod)
    {
        lock (quirks)
        {
            if (quirks.AdmissionsRefused > 0)
            {
                quirks.AdmissionsRefused--;
                Change(
                    pod,
                    item =>
                    {
                        var status = item.Within("status");
                        status["phase"] = "Failed";
                        status["reason"] = "UnexpectedAdmissionError";
                        status["message"] =
                            "Allocate failed due to requested number of devices unavailable for nvidia.com/gpu. Requested: 1, Available: 0, which is unexpected";
                    }
                );
                return false;
            }
        }

        Change(
            pod,
            item =>
            {
                var status = item.Within("status");
                status["hostIP"] = "127.0.0.1";
                status["startTime"] = ApiObject.Time(clock.GetUtcNow());
                SetState(item, "waiting", new JsonObject { ["reason"] = "ContainerCreating" }, isReady: false);
            }
        );
        return true;
    }

    private DateTimeOffset FailPull(JsonObject pod, PodRun run, string words)
    {
        var image = pod.Items("spec", "containers").First().Text("image");
        var isPause = run.Pulls++ % 2 == 1;
        if (!isPause)
        {
            events.Write(pod, "Failed", $"Failed to pull image \"{image}\": {words}", "kubelet");
        }

        Change(
            pod,
            item =>
                SetState(
                    item,
                    "waiting",
                    new JsonObject
                    {
                        ["reason"] = isPause ? "ImagePullBackOff" : "ErrImagePull",
                        ["message"] = isPause ? $"Back-off pulling image \"{image}\"" : words,
                    },
                    isReady: false
                )
        );
        run.ReadyToStartAt = clock.GetUtcNow() + quirks.PullPause;
        return run.ReadyToStartAt;
    }

    private async Task StartAsync(JsonObject pod, PodRun run)
    {
        var (environment, missing) = PodCommand.Environment(store, pod);
        if (missing is not null)
        {
            Change(
                pod,
                item =>
                    SetState(
                        item,
                        "waiting",
                        new JsonObject { ["reason"] = "CreateContainerConfigError", ["message"] = missing },
                        isReady: false
                    )
            );
            return;
        }

        var container = pod.Items("spec", "containers").First();
        var arguments = PodCommand.Arguments(container, environment);
        logs.Write(pod.Uid(), $"stand-in runtime: {arguments.Count} arguments\n");
        if (PodCommand.EndOf(arguments) is { } end)
        {
            logs.Write(pod.Uid(), end.Output);
            run.IsOver = true;
            Change(pod, item => Terminate(item, end.Code, end.Reason));
            return;
        }

        run.Runtime = await PodRuntime.StartAsync(container, arguments, environment, addresses);
        Change(
            pod,
            item =>
            {
                var status = item.Within("status");
                status["phase"] = "Running";
                status["podIP"] = run.Runtime.Address;
                SetState(
                    item,
                    "running",
                    new JsonObject { ["startedAt"] = ApiObject.Time(clock.GetUtcNow()) },
                    isReady: true
                );
            }
        );
    }

    /// <summary>Ends a running container as the kernel or a person would.</summary>
    internal async Task KillAsync(JsonObject pod, int code, string? reason, string output)
    {
        if (_runs.TryGetValue(pod.Uid(), out var run))
        {
            await StopAsync(pod.Uid());
            run.IsOver = true;
        }

        logs.Write(pod.Uid(), output);
        Change(pod, item => Terminate(item, code, reason));
    }

    private void Terminate(JsonObject pod, int code, string? reason)
    {
        var now = ApiObject.Time(clock.GetUtcNow());
        pod.Within("status")["phase"] = code == 0 ? "Succeeded" : "Failed";
        var tail = logs.Tail(pod.Uid(), 80);
        SetState(
            pod,
            "terminated",
            new JsonObject
            {
                ["exitCode"] = code,
                ["reason"] = reason ?? (code == 0 ? "Completed" : "Error"),
                ["message"] = tail[Math.Max(0, tail.Length - 2_048)..],
                ["startedAt"] = now,
                ["finishedAt"] = now,
            },
            isReady: false
        );
    }

    private void SetState(JsonObject pod, string state, JsonObject value, bool isReady)
    {
        var container = pod.Items("spec", "containers").First();
        pod.Within("status")["containerStatuses"] = new JsonArray(
            new JsonObject
            {
                ["name"] = container.Text("name"),
                ["image"] = container.Text("image"),
                ["imageID"] = "",
                ["restartCount"] = 0,
                ["ready"] = isReady,
                ["state"] = new JsonObject { [state] = value },
            }
        );
        var ready = isReady ? "True" : "False";
        var why = isReady ? null : "ContainersNotReady";
        PodEnd.Condition(pod, "ContainersReady", ready, why, null, clock.GetUtcNow());
        PodEnd.Condition(pod, "Ready", ready, why, null, clock.GetUtcNow());
    }

    private void Change(JsonObject pod, Action<JsonObject> change) =>
        store.Change("pods", pod.Text("metadata", "namespace")!, pod.Name(), change);

    private async Task StopAsync(string uid)
    {
        if (_runs.GetValueOrDefault(uid)?.Runtime is { } runtime)
        {
            await runtime.DisposeAsync();
        }
    }

    private sealed class PodRun
    {
        internal DateTimeOffset ReadyToStartAt { get; set; }

        internal DateTimeOffset? StopsAt { get; set; }

        internal int Pulls { get; set; }

        internal bool IsOver { get; set; }

        internal PodRuntime? Runtime { get; set; }
    }
}

using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>A cluster of one process: the API server's paths, a scheduler, kubelets, and containers on loopback addresses.</summary>
/// <remarks>
/// Written from the API conventions and reference of Kubernetes, and compared with a real API server: see the explicit tests.
/// It keeps nothing across a restart.
/// </remarks>
public sealed class KubernetesServer : IVendorServer
{
    public const string Namespace = "scheduler-runtimes";

    private ApiStore _store = null!;
    private ApiRoutes _routes = null!;
    private Kubelet _kubelet = null!;
    private ClusterEvents _events = null!;
    private TimeProvider _clock = null!;
    private readonly List<JsonObject> _nodes = [];

    public string Name => "kubernetes";

    public KubernetesQuirks Quirks { get; } = new();

    /// <summary>The only token that it takes.</summary>
    public string Token { get; set; } = "stand-in-token";

    public string SettingFor(Uri address) =>
        $"curl -s {address}kubeconfig -o kubeconfig, then --Providers:Kubernetes:Enabled=true --Providers:Kubernetes:KubeConfig=kubeconfig --Providers:Kubernetes:Prices:H100-80GB-SXM=2.50";

    public void MapTo(WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        _clock = app.Services.GetRequiredService<TimeProvider>();
        _store = new ApiStore(_clock);
        _events = new ClusterEvents(_store, _clock);
        var logs = new PodLogs();
        _kubelet = new Kubelet(_store, _events, Quirks, logs, new PodAddresses(), _clock);
        if (_nodes.Count == 0)
        {
            AddNode("gpu-1", "NVIDIA-H100-80GB-HBM3", 81559, 8);
        }

        foreach (var node in _nodes)
        {
            _store.Create("nodes", "", node);
        }

        _routes = new ApiRoutes(_store, Quirks, logs, _clock, () => Token);
        _routes.MapTo(app);
        app.MapMethods(
            "/kubeconfig",
            ["GET"],
            (RequestDelegate)(
                context =>
                    context.Response.WriteAsync(
                        KubeConfig(new Uri($"http://{context.Request.Host}/")),
                        context.RequestAborted
                    )
            )
        );
        app.MapMethods(
            "/quirks",
            ["GET", "POST"],
            (RequestDelegate)(context => QuirkPage.AnswerAsync(context, Quirks))
        );
        var loop = new ClusterLoop(_store, new PodPlacer(_store, _events, Quirks, _clock), _kubelet, _clock);
        app.Lifetime.ApplicationStarted.Register(() => loop.Start(app.Lifetime.ApplicationStopping));
        app.Lifetime.ApplicationStopping.Register(loop.Stop);
    }

    /// <summary>A kubeconfig file for this server.</summary>
    public string KubeConfig(Uri address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return $$"""
            apiVersion: v1
            kind: Config
            current-context: stand-in
            clusters: [{ name: stand-in, cluster: { server: "{{address.AbsoluteUri.TrimEnd('/')}}" } }]
            users: [{ name: stand-in, user: { token: {{Token}} } }]
            contexts: [{ name: stand-in, context: { cluster: stand-in, user: stand-in, namespace: {{Namespace}} } }]

            """;
    }

    /// <summary>Adds a node with NVIDIA GPUs, before or after the start.</summary>
    public void AddNode(
        string name,
        string product,
        int memoryMib,
        int gpus,
        string region = "eu-1",
        Action<JsonObject>? change = null
    )
    {
        var node = StandInNodes.Make(name, StandInNodes.Labels(product, memoryMib, gpus, region), gpus);
        change?.Invoke(node);
        if (_store is null)
        {
            _nodes.Add(node);
        }
        else
        {
            _store.Create("nodes", "", node);
        }
    }

    public IReadOnlyList<JsonObject> All(string resource) => _store.List(resource, null).Items;

    /// <summary>Bodies of creates and deletes since the start.</summary>
    public IReadOnlyList<(string Call, JsonObject Body)> Recorded
    {
        get
        {
            lock (_routes.Recorded)
            {
                return [.. _routes.Recorded];
            }
        }
    }

    /// <summary>Forgets the history: watches and lists of older versions are refused with 410.</summary>
    public void Compact() => _store.Compact();

    /// <summary>Creates an object as another client of the cluster would.</summary>
    public JsonObject Create(string resource, string ns, JsonObject item) => _store.Create(resource, ns, item);

    public void Change(string resource, string name, Action<JsonObject> change) =>
        _store.Change(resource, resource == "nodes" ? "" : Namespace, name, change);

    /// <summary>Deletes an object as another client of the cluster would, and at once.</summary>
    public void Remove(string resource, string name) =>
        _store.Remove(resource, resource == "nodes" ? "" : Namespace, name);

    /// <summary>A pod is gone, and only an event says why; without a reason not even that.</summary>
    public void Vanish(string pod, string? reason, string message = "")
    {
        if (reason is not null)
        {
            _events.Write(_store.Get("pods", Namespace, pod), reason, message, "node-controller");
        }

        _store.Remove("pods", Namespace, pod);
    }

    /// <summary>The scheduler takes the pod's place for a more important one.</summary>
    public void Preempt(string pod)
    {
        var now = _clock.GetUtcNow();
        _store.Change(
            "pods",
            Namespace,
            pod,
            item =>
                PodEnd.Condition(
                    item,
                    "DisruptionTarget",
                    "True",
                    "PreemptionByScheduler",
                    "default-scheduler: preempting to accommodate a higher priority pod",
                    now
                )
        );
        PodEnd.Ask(_store, _store.Get("pods", Namespace, pod), null, now);
    }

    /// <summary>A node stops reporting to the control plane. Its pods keep their status and answer no request.</summary>
    public void LoseNode(string node)
    {
        _kubelet.LostNodes.Add(node);
        _store.Change(
            "nodes",
            "",
            node,
            item =>
                item["status"]!["conditions"] = new JsonArray(
                    new JsonObject { ["type"] = "Ready", ["status"] = "Unknown" }
                )
        );
        foreach (var pod in All("pods").Where(pod => pod.Text("spec", "nodeName") == node))
        {
            _store.Change(
                "pods",
                Namespace,
                pod.Name(),
                item => PodEnd.Condition(item, "Ready", "False", null, null, _clock.GetUtcNow())
            );
        }
    }

    /// <summary>The container of a pod ends with a code, and the kubelet's reason if there is one.</summary>
    public Task KillAsync(string pod, int code, string? reason, string output) =>
        _kubelet.KillAsync(_store.Get("pods", Namespace, pod), code, reason, output);
}

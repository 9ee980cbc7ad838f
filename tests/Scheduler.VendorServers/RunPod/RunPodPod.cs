using System.Globalization;
using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.RunPod;

/// <summary>A pod. Its state follows from the clock.</summary>
public sealed class RunPodPod
{
    /// <summary>Arguments that make a runtime behave so; they may be part of another argument.</summary>
    public const string NeverReady = "never-ready";

    public const string OomAtLoad = "oom-at-load";

    public const string ModelLoadError = "model-load-error";

    public const string Exits = "exits-soon";

    private static readonly TimeSpan Provisioning = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Starting = TimeSpan.FromSeconds(4);

    /// <summary>From the start of the container until its runtime is healthy.</summary>
    private static readonly TimeSpan Loading = TimeSpan.FromSeconds(4);

    /// <summary>From the start of a container that fails until it is started again.</summary>
    internal static readonly TimeSpan Life = TimeSpan.FromSeconds(20);

    public required string Id { get; init; }

    public required JsonObject Asked { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required int GpuCount { get; init; }

    public required decimal Cost { get; init; }

    public bool ImagePullFails { get; init; }

    public DateTimeOffset? DeletedAt { get; set; }

    /// <summary>When the container ended by itself and was started again; null for never.</summary>
    public DateTimeOffset? RestartedAt { get; set; }

    public string Name => Asked["name"]!.GetValue<string>();

    public string GpuId => Asked["gpu"]!["id"]!.GetValue<string>();

    public string Cloud => Asked["cloud"]?.GetValue<string>() ?? "SECURE";

    internal string Arguments => Asked["args"]?.GetValue<string>() ?? "";

    internal string? RuntimeKey =>
        Asked["env"] is JsonObject env
            ? env.FirstOrDefault(pair => pair.Key.EndsWith("API_KEY", StringComparison.Ordinal))
                .Value?.GetValue<string>()
            : null;

    private bool Fails =>
        Arguments.Contains(OomAtLoad) || Arguments.Contains(ModelLoadError) || Arguments.Contains(Exits);

    internal string StatusAt(DateTimeOffset now) =>
        now < CreatedAt + Provisioning ? "PROVISIONING"
        : ImagePullFails || now < CreatedAt + Starting ? "STARTING"
        : "RUNNING";

    internal bool IsHealthyAt(DateTimeOffset now) =>
        StatusAt(now) == "RUNNING"
        && !Fails
        && !Arguments.Contains(NeverReady)
        && now >= CreatedAt + Starting + Loading;

    internal JsonObject ToJson(DateTimeOffset now)
    {
        var status = StatusAt(now);
        var pod = (JsonObject)Asked.DeepClone();
        pod["id"] = Id;
        pod["status"] = status;
        pod["actions"] =
            status == "RUNNING" ? new JsonArray("stop", "restart", "terminate") : new JsonArray("stop", "terminate");
        pod["gpu"] = new JsonObject { ["id"] = GpuId, ["count"] = GpuCount };
        pod["cloud"] = Cloud;
        pod["mounts"] = new JsonObject();
        pod["registry"] = null;
        pod["template"] = null;
        pod["cudaVersion"] = "12.8";
        pod["dataCenterId"] = Asked["dataCenterIds"]?[0]?.GetValue<string>() ?? "US-KS-2";
        pod["cost"] = Cost;
        pod["locked"] = false;
        pod["globalNetworking"] = new JsonObject { ["enabled"] = false };
        pod["ssh"] = new JsonObject { ["proxy"] = null, ["direct"] = null };
        pod["runtime"] = status == "RUNNING" ? RuntimeAt(now) : null;
        pod["createdAt"] = CreatedAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        pod["startedAt"] = status == "RUNNING" ? pod["createdAt"]!.DeepClone() : null;
        pod.Remove("dataCenterIds");
        return pod;
    }

    internal IEnumerable<string> LogAt(DateTimeOffset now, string source) =>
        source == "system" ? SystemLog()
        : StatusAt(now) != "RUNNING" ? []
        : ContainerLog();

    private JsonObject RuntimeAt(DateTimeOffset now)
    {
        var running = now - (RestartedAt ?? CreatedAt + Starting);
        var uptime = Fails ? new TimeSpan(running.Ticks % Life.Ticks) : running;
        return new JsonObject { ["uptime"] = (long)uptime.TotalSeconds, ["ports"] = new JsonArray() };
    }

    private IEnumerable<string> SystemLog()
    {
        var image = Asked["image"]!.GetValue<string>();
        yield return $"create container {image}";
        if (ImagePullFails)
        {
            yield return $"error creating container: Error response from daemon: manifest for {image} not found: manifest unknown";
        }
        else
        {
            yield return "start container";
        }
    }

    private IEnumerable<string> ContainerLog()
    {
        yield return "INFO Starting the engine";
        if (Arguments.Contains(OomAtLoad))
        {
            yield return "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.52 GiB";
        }
        else if (Arguments.Contains(ModelLoadError))
        {
            yield return "ValueError: Model architectures ['FooForCausalLM'] are not supported for now.";
        }
        else if (Arguments.Contains(Exits))
        {
            yield return "the program ends";
        }
        else
        {
            yield return "INFO Application startup complete.";
        }
    }
}

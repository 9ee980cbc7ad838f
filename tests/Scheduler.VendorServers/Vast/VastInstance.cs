using System.Globalization;
using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Vast;

/// <summary>An instance. Its state follows from the clock.</summary>
public sealed class VastInstance
{
    /// <summary>Serving names that make a runtime behave so.</summary>
    public const string NeverReady = "never-ready";

    public const string OomAtLoad = "oom-at-load";

    public const string ModelLoadError = "model-load-error";

    public const string Exits = "exits-soon";

    private static readonly TimeSpan Loading = TimeSpan.FromSeconds(5);

    /// <summary>From the start of the container until its runtime is healthy.</summary>
    private static readonly TimeSpan Warming = TimeSpan.FromSeconds(4);

    public required long Id { get; init; }

    public required JsonObject Asked { get; init; }

    public required VastAsk Ask { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required VastQuirks Quirks { get; init; }

    /// <summary>Whether it was made stopped, for a bid that is too low.</summary>
    public bool IsStopped { get; set; }

    public DateTimeOffset? DestroyedAt { get; set; }

    public string? Label => Asked["label"]?.GetValue<string>();

    private bool IsBid => Asked["price"] is not null;

    internal int Port => (int)(40_000 + Id % 10_000);

    internal string? RuntimeKey =>
        (Asked["env"] as JsonObject)
            ?.FirstOrDefault(pair => pair.Key.EndsWith("API_KEY", StringComparison.Ordinal))
            .Value?.GetValue<string>();

    private bool Fails => Says(OomAtLoad) || Says(ModelLoadError) || Says(Exits);

    private bool IsOutbid => IsStopped || Quirks.OutbidWhileLoading;

    internal string? StatusAt(DateTimeOffset now) =>
        Quirks.ContainerFails ? "created"
        : Quirks.IsOffline ? "offline"
        : now < CreatedAt + TimeSpan.FromSeconds(1) ? null
        : IsOutbid || Quirks.ImagePullFails || now < CreatedAt + Loading ? "loading"
        : Fails ? "exited"
        : "running";

    internal bool IsHealthyAt(DateTimeOffset now) =>
        StatusAt(now) == "running" && !Says(NeverReady) && now >= CreatedAt + Loading + Warming;

    internal JsonObject ToJson(DateTimeOffset now)
    {
        var status = StatusAt(now);
        var wanted = IsOutbid ? "stopped" : "running";
        return new JsonObject
        {
            ["id"] = Id,
            ["label"] = Label,
            ["actual_status"] = status,
            ["cur_state"] = wanted,
            ["next_state"] = wanted,
            ["intended_status"] = wanted,
            ["status_msg"] = Quirks.ContainerFails
                ? "Error response from daemon: OCI runtime create failed: nvidia-container-cli: device error"
                : null,
            ["is_bid"] = IsBid,
            ["machine_id"] = Ask.Machine,
            ["gpu_name"] = Ask.Gpu,
            ["num_gpus"] = Ask.Count,
            ["public_ipaddr"] = " 203.0.113.7\n",
            ["ports"] =
                status == "running"
                    ? new JsonObject
                    {
                        ["8000/tcp"] = new JsonArray(
                            new JsonObject
                            {
                                ["HostIp"] = "0.0.0.0",
                                ["HostPort"] = Port.ToString(CultureInfo.InvariantCulture),
                            }
                        ),
                    }
                    : null,
            ["start_date"] = (CreatedAt - DateTimeOffset.UnixEpoch).TotalSeconds,
            ["uptime_mins"] = null,
            ["dph_total"] = Ask.Price,
        };
    }

    internal string Log(bool isDaemon) =>
        isDaemon
            ? Quirks.ImagePullFails
                ? $"Error response from daemon: manifest for {Asked["image"]} not found: manifest unknown\n"
                : "container started\n"
            : "INFO Starting the engine\n"
                + (
                    Says(OomAtLoad)
                        ? "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.52 GiB\n"
                    : Says(ModelLoadError)
                        ? "ValueError: Model architectures ['FooForCausalLM'] are not supported for now.\n"
                    : Says(Exits) ? "the program ends\n"
                    : "INFO Application startup complete.\n"
                );

    private bool Says(string word) =>
        (Asked["args"] as JsonArray)?.Any(part => part!.GetValue<string>().Contains(word, StringComparison.Ordinal))
        == true;
}

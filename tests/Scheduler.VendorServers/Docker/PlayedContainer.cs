using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Docker;

/// <summary>A container of the server. Its runtime is a listener in this process.</summary>
internal sealed class PlayedContainer(string id, string name, JsonObject body, DateTimeOffset created)
{
    internal string Id { get; } = id;

    internal string Name { get; } = name;

    /// <summary>The create request.</summary>
    internal JsonObject Body { get; } = body;

    internal DateTimeOffset Created { get; } = created;

    internal string Status { get; set; } = "created";

    internal int ExitCode { get; set; }

    internal bool OomKilled { get; set; }

    internal string Error { get; set; } = "";

    internal DateTimeOffset? StartedAt { get; set; }

    internal DateTimeOffset? FinishedAt { get; set; }

    internal PlayedRuntime? Runtime { get; set; }

    /// <summary>Lines of output, with the number of their stream: 1 or 2.</summary>
    internal List<(byte Stream, string Line)> Output { get; } = [];

    internal int LooksUntilGone { get; set; }

    internal TaskCompletionSource<int> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal IReadOnlyDictionary<string, string> Labels { get; } =
        (body[nameof(Labels)] as JsonObject)?.ToDictionary(
            pair => pair.Key,
            pair => pair.Value?.GetValue<string>() ?? ""
        )
        ?? [];

    internal string Image => Body[nameof(Image)]?.GetValue<string>() ?? "";

    internal IReadOnlyList<string> Command =>
        [
            .. (Body["Entrypoint"] as JsonArray ?? []).Select(word => word!.GetValue<string>()),
            .. (Body["Cmd"] as JsonArray ?? []).Select(word => word!.GetValue<string>()),
        ];

    /// <summary>Ids of the NVIDIA GPUs that it was given.</summary>
    internal IReadOnlyList<string> Gpus =>
        [
            .. (Body["HostConfig"]?["DeviceRequests"] as JsonArray ?? [])
                .SelectMany(request => request?["DeviceIDs"] as JsonArray ?? [])
                .Select(gpu => gpu!.GetValue<string>()),
        ];

    internal bool WantsGpus => Body["HostConfig"]?["DeviceRequests"] is JsonArray { Count: > 0 };

    /// <summary>What the runtime does: the word after <c>--mode</c>, as for the small real image of the explicit tests.</summary>
    internal string Mode =>
        Command.SkipWhile(word => word != "--mode").Skip(1).FirstOrDefault()
        ?? (Command is ["nvidia-smi", ..] ? "nvidia-smi" : "serves");

    internal bool IsRunning => Status == "running";
}

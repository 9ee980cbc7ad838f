using System.Text.Json;
using System.Text.Json.Serialization;

namespace Scheduler.Providers.Docker;

/// <summary>The parts of the Engine API (1.41 and later) that the adapter reads and writes. Members are named as there.</summary>
internal static class DockerWire
{
    internal static readonly JsonSerializerOptions Json = new()
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        MaxDepth = 32,
    };
}

/// <summary>A container in a list.</summary>
internal sealed record ListedContainer
{
    public string Id { get; init; } = "";

    public IReadOnlyList<string>? Names { get; init; }

    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary><c>created</c>, <c>running</c>, <c>paused</c>, <c>restarting</c>, <c>removing</c>, <c>exited</c>, <c>dead</c>.</summary>
    public string State { get; init; } = "";

    /// <summary>Seconds since 1970.</summary>
    public long Created { get; init; }

    /// <summary>Whether it was never started.</summary>
    internal bool IsNew => State is "created" or "configured" or "initialized";
}

/// <summary>A container as inspected.</summary>
internal sealed record InspectedContainer
{
    public string Id { get; init; } = "";

    public string Name { get; init; } = "";

    public DateTimeOffset Created { get; init; }

    public ContainerState State { get; init; } = new();

    public InspectedConfig Config { get; init; } = new();

    public ContainerNetwork? NetworkSettings { get; init; }
}

internal sealed record ContainerState
{
    public string Status { get; init; } = "";

    public int ExitCode { get; init; }

    [JsonPropertyName("OOMKilled")]
    public bool OomKilled { get; init; }

    /// <summary>The engine's words about a failed start.</summary>
    public string? Error { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>Whether it was never started. The last two are Podman's.</summary>
    internal bool IsNew => Status is "created" or "configured" or "initialized";

    internal bool HasEnded => Status is "exited" or "dead" or "stopped";

    /// <summary>Whether a process of it may run.</summary>
    internal bool IsAlive => !IsNew && !HasEnded && Status != "removing";
}

internal sealed record InspectedConfig
{
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    public string? StopSignal { get; init; }

    public bool Tty { get; init; }
}

internal sealed record ContainerNetwork
{
    /// <summary>By <c>port/tcp</c>; null while nothing is published.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<PortBinding>?>? Ports { get; init; }
}

internal sealed record PortBinding
{
    public string? HostIp { get; init; }

    /// <summary>Empty: the engine chooses a free one.</summary>
    public string? HostPort { get; init; }
}

/// <summary>What a container is created from.</summary>
internal sealed record NewContainer
{
    public required string Image { get; init; }

    /// <summary>Null keeps the entry point of the image.</summary>
    public IReadOnlyList<string>? Entrypoint { get; init; }

    public required IReadOnlyList<string> Cmd { get; init; }

    public required IReadOnlyList<string> Env { get; init; }

    public required IReadOnlyDictionary<string, string> Labels { get; init; }

    public IReadOnlyDictionary<string, object>? ExposedPorts { get; init; }

    public required HostConfig HostConfig { get; init; }
}

internal sealed record HostConfig
{
    public IReadOnlyDictionary<string, IReadOnlyList<PortBinding>>? PortBindings { get; init; }

    public IReadOnlyList<DeviceRequest>? DeviceRequests { get; init; }

    public IReadOnlyList<DeviceMapping>? Devices { get; init; }

    public IReadOnlyList<string>? GroupAdd { get; init; }

    public IReadOnlyList<string>? Binds { get; init; }

    public long ShmSize { get; init; }

    /// <summary>Bytes; 0 for no limit.</summary>
    public long Memory { get; init; }

    public long PidsLimit { get; init; }

    public IReadOnlyList<string> SecurityOpt { get; init; } = ["no-new-privileges"];

    public IReadOnlyList<string> CapDrop { get; init; } = ["ALL"];

    public IReadOnlyList<string>? CapAdd { get; init; }

    public RestartPolicy RestartPolicy { get; init; } = new();

    public LogConfig? LogConfig { get; init; }

    public string? NetworkMode { get; init; }
}

internal sealed record DeviceRequest
{
    public required string Driver { get; init; }

    [JsonPropertyName("DeviceIDs")]
    public IReadOnlyList<string>? DeviceIds { get; init; }

    /// <summary>-1 for all, instead of ids.</summary>
    public int? Count { get; init; }

    public IReadOnlyList<IReadOnlyList<string>>? Capabilities { get; init; }
}

internal sealed record DeviceMapping(string PathOnHost, string PathInContainer, string CgroupPermissions = "rwm");

internal sealed record RestartPolicy(string Name = "no");

internal sealed record LogConfig(string Type, IReadOnlyDictionary<string, string> Config);

/// <summary>A line of the stream of a pull, and the body of an error.</summary>
internal sealed record EngineMessage
{
    [JsonPropertyName("status")]
    public string? Status { get; init; }

    [JsonPropertyName("id")]
    public string? Id { get; init; }

    [JsonPropertyName("error")]
    public string? Error { get; init; }

    [JsonPropertyName("message")]
    public string? Message { get; init; }

    [JsonPropertyName("progressDetail")]
    public PullProgress? Progress { get; init; }
}

internal sealed record PullProgress
{
    [JsonPropertyName("current")]
    public long? Current { get; init; }

    [JsonPropertyName("total")]
    public long? Total { get; init; }
}

/// <summary>A line of the stream of events.</summary>
internal sealed record EngineEvent
{
    public string? Action { get; init; }

    [JsonPropertyName("timeNano")]
    public long TimeNano { get; init; }
}

internal sealed record CreatedContainer(string Id);

internal sealed record WaitedContainer(int StatusCode);

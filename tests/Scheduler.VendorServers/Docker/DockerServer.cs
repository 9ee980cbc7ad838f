using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Scheduler.VendorServers.Docker;

/// <summary>
/// The Docker Engine API, 1.41 and later, for containers and images. Containers are played: their runtimes are listeners of
/// this process. Source: <c>api/swagger.yaml</c> of moby, and the answers of Docker 20.10 and Podman 4.3.
/// </summary>
public sealed partial class DockerServer : IVendorServer, IDisposable
{
    /// <summary>What a pull of an image with this tag answers; other tags are pulled.</summary>
    private static readonly Dictionary<string, string> PullFaults = new(StringComparer.Ordinal)
    {
        [":missing"] = "manifest for {0} not found: manifest unknown: manifest unknown",
        [":private"] =
            "pull access denied for {0}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
        [":limited"] =
            "toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit",
        [":no-space"] = "failed to register layer: write /var/lib/docker/tmp/GetImageBlob123: no space left on device",
        [":arm64"] = "no matching manifest for linux/amd64 in the manifest list entries",
        [":unreachable"] =
            "Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host",
    };

    private static readonly Version OldestApi = new(1, 24);

    private DockerWorld? _world;

    public string Name => "docker";

    public DockerQuirks Quirks { get; } = new();

    /// <summary>Bodies of the create requests, in order.</summary>
    public IReadOnlyList<JsonObject> CreateRequests => _createRequests;

    /// <summary>Headers <c>X-Registry-Auth</c> of the pulls, in order; null for one without.</summary>
    public IReadOnlyList<string?> PullAuths => _pullAuths;

    /// <summary>Most containers that ran on one GPU at one moment.</summary>
    public int MostUsersOfOneGpu => World.MostUsersOfOneGpu;

    /// <summary>Containers created since the start.</summary>
    public int Created => World.Created;

    private readonly List<JsonObject> _createRequests = [];
    private readonly List<string?> _pullAuths = [];
    private readonly ConcurrentBag<string> _paths = [];

    private DockerWorld World => _world ?? throw new InvalidOperationException("The server was not started.");

    public string SettingFor(Uri address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return FormattableString.Invariant(
            $"--Providers:Docker:Enabled=true --Providers:Docker:Hosts:gpu-1:Endpoint=tcp://127.0.0.1:{address.Port} --Providers:Docker:Hosts:gpu-1:Gpus:0:Type=RTX4090 --Providers:Docker:Hosts:gpu-1:Gpus:0:Count=2 --Providers:Docker:Hosts:gpu-1:PricePerGpuHour=0.40"
        );
    }

    public void MapTo(WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        _world = new DockerWorld(Quirks, app.Services.GetRequiredService<TimeProvider>());
        var lifetime = app.Services.GetRequiredService<IHostApplicationLifetime>();
        app.Run(context => AnswerAsync(context, lifetime.ApplicationStopping));
    }

    public void Dispose() => _world?.Dispose();

    /// <summary>Names of the containers that exist.</summary>
    public IReadOnlyList<string> Names => [.. World.All().Select(container => container.Name)];

    /// <summary>Paths of the requests, with the version.</summary>
    public IReadOnlyCollection<string> Paths => _paths;

    /// <summary>Runs a container that the scheduler did not make.</summary>
    public void CreateForeign(string name, string image) =>
        World.Start(World.Create(name, new JsonObject { ["Image"] = image }).Container);

    /// <summary>Ends a container from outside, for example as the kernel does.</summary>
    /// <returns>Whether there is one whose name ends so.</returns>
    public bool End(string nameEnd, int exitCode, bool oomKilled = false)
    {
        var found = World.All().FirstOrDefault(c => c.Name.EndsWith(nameEnd, StringComparison.Ordinal));
        if (found is not null)
        {
            World.End(found, exitCode, oomKilled);
        }

        return found is not null;
    }

    /// <summary>Lets the runtime in a container answer no more, while the container runs.</summary>
    public void Silence(string nameEnd) =>
        World.All().First(c => c.Name.EndsWith(nameEnd, StringComparison.Ordinal)).Runtime?.Dispose();

    private async Task AnswerAsync(HttpContext context, CancellationToken stopping)
    {
        if (Quirks.IsDown)
        {
            context.Abort();
            return;
        }

        context.Response.Headers["Api-Version"] = Quirks.NewestApi;
        context.Response.Headers["Ostype"] = "linux";
        if (Quirks.Podman is { } podman)
        {
            context.Response.Headers["Libpod-Api-Version"] = podman;
        }

        _paths.Add(context.Request.Path.Value ?? "");
        var parts = (context.Request.Path.Value ?? "").Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts is [var first, ..] && VersionPart().IsMatch(first))
        {
            if (FaultOf(Version.Parse(first[1..])) is { } fault)
            {
                await ErrorAsync(context, 400, fault);
                return;
            }

            parts = parts[1..];
        }

        await RouteAsync(context, parts, stopping);
    }

    private Task RouteAsync(HttpContext context, string[] parts, CancellationToken stopping) =>
        (context.Request.Method, parts) switch
        {
            ("GET" or "HEAD", ["_ping"]) => context.Response.WriteAsync("OK", stopping),
            ("GET", ["version"]) => JsonAsync(
                context,
                200,
                new JsonObject { ["ApiVersion"] = Quirks.NewestApi, ["MinAPIVersion"] = OldestApi.ToString() }
            ),
            ("GET", ["info"]) => JsonAsync(context, 200, Info()),
            ("POST", ["quirks"]) => QuirksAsync(context),
            ("GET", ["events"]) => EventsAsync(context, stopping),
            ("POST", ["images", "create"]) => PullAsync(context),
            ("GET", ["images", .. var name, "json"]) => ImageAsync(context, string.Join('/', name)),
            ("POST", ["containers", "create"]) => CreateAsync(context),
            ("GET", ["containers", "json"]) => ListAsync(context),
            (_, ["containers", var id, .. var rest]) => World.Find(id) is { } container
                ? ContainerAsync(context, container, string.Concat(rest))
                : ErrorAsync(context, 404, $"No such container: {id}"),
            _ => ErrorAsync(context, 404, "page not found"),
        };

    private Task ContainerAsync(HttpContext context, PlayedContainer container, string verb) =>
        (context.Request.Method, verb) switch
        {
            ("GET", "json") => JsonAsync(context, 200, DockerShapes.Inspected(container)),
            ("GET", "logs") => DockerShapes.WriteLogsAsync(context, container),
            ("POST", "start") => StartAsync(context, container),
            ("POST", "kill") => KillAsync(context, container),
            ("POST", "wait") => WaitAsync(context, container),
            ("DELETE", "") => RemoveAsync(context, container),
            _ => ErrorAsync(context, 404, "page not found"),
        };

    private async Task CreateAsync(HttpContext context)
    {
        var name = context.Request.Query["name"].ToString();
        var body = (
            await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted)
        )!.AsObject();
        lock (_createRequests)
        {
            _createRequests.Add(body);
        }

        var image = body["Image"]?.GetValue<string>() ?? "";
        if (!NamePattern().IsMatch(name))
        {
            await ErrorAsync(
                context,
                400,
                $"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
            );
        }
        else if (!World.HasImage(image))
        {
            await ErrorAsync(context, 404, $"No such image: {image}");
        }
        else if (World.Create(name, body) is (var container, var isNew) && !isNew)
        {
            await ErrorAsync(
                context,
                409,
                $"Conflict. The container name \"/{name}\" is already in use by container \"{container.Id}\". You have to remove (or rename) that container to be able to reuse that name."
            );
        }
        else
        {
            await Quirks.AfterCreate(name);
            if (Quirks.LostCreates > 0)
            {
                Quirks.LostCreates--;
                context.Abort();
                return;
            }

            await JsonAsync(context, 201, new JsonObject { ["Id"] = container.Id, ["Warnings"] = new JsonArray() });
        }
    }

    private async Task StartAsync(HttpContext context, PlayedContainer container)
    {
        if (container.IsRunning)
        {
            context.Response.StatusCode = 304;
        }
        else if (World.Start(container) is { } fault)
        {
            await ErrorAsync(context, 500, fault);
        }
        else if (Quirks.LostStarts > 0)
        {
            Quirks.LostStarts--;
            context.Abort();
        }
        else
        {
            context.Response.StatusCode = 204;
        }
    }

    private async Task KillAsync(HttpContext context, PlayedContainer container)
    {
        if (!container.IsRunning)
        {
            await ErrorAsync(
                context,
                409,
                $"Cannot kill container: {container.Id}: Container {container.Id} is not running"
            );
            return;
        }

        var isKill = context.Request.Query["signal"].ToString() is "" or "SIGKILL";
        if (isKill || !Quirks.IgnoresStop)
        {
            World.End(container, isKill ? 137 : 0);
        }

        context.Response.StatusCode = 204;
    }

    private async Task RemoveAsync(HttpContext context, PlayedContainer container)
    {
        if (container.Status == "removing")
        {
            await ErrorAsync(context, 409, $"removal of container {container.Id} is already in progress");
        }
        else if (container.IsRunning && context.Request.Query["force"] != "1")
        {
            await ErrorAsync(
                context,
                409,
                $"You cannot remove a running container {container.Id}. Stop the container before attempting removal or force remove"
            );
        }
        else
        {
            World.Remove(container);
            context.Response.StatusCode = 204;
        }
    }

    private static async Task WaitAsync(HttpContext context, PlayedContainer container) =>
        await JsonAsync(
            context,
            200,
            new JsonObject { ["StatusCode"] = await container.Ended.Task.WaitAsync(context.RequestAborted) }
        );

    private Task ListAsync(HttpContext context)
    {
        var filters = FiltersOf(context, "label");
        var found = World
            .All()
            .Where(container => filters.All(filter => DockerShapes.HasLabel(container.Labels, filter)));
        return JsonAsync(context, 200, new JsonArray([.. found.Select(DockerShapes.Listed)]));
    }

    private Task ImageAsync(HttpContext context, string image) =>
        World.HasImage(image)
            ? JsonAsync(
                context,
                200,
                new JsonObject { ["Id"] = "sha256:" + new string('0', 64), ["Architecture"] = "amd64" }
            )
            : ErrorAsync(context, 404, $"No such image: {image}");

    private async Task PullAsync(HttpContext context)
    {
        var image = context.Request.Query["fromImage"].ToString();
        _pullAuths.Add(context.Request.Headers.TryGetValue("X-Registry-Auth", out var auth) ? auth.ToString() : null);
        var fault = PullFaults.FirstOrDefault(fault => image.EndsWith(fault.Key, StringComparison.Ordinal)).Value;
        if (
            fault is not null
            && (
                image.EndsWith(":missing", StringComparison.Ordinal)
                || image.EndsWith(":private", StringComparison.Ordinal)
            )
        )
        {
            // The registry refuses before the stream begins.
            await ErrorAsync(context, 404, string.Format(CultureInfo.InvariantCulture, fault, image));
            return;
        }

        context.Response.ContentType = "application/json";
        await LineAsync(context, new JsonObject { ["status"] = $"Pulling from {image}", ["id"] = "latest" });
        await LineAsync(
            context,
            new JsonObject
            {
                ["status"] = "Downloading",
                ["progressDetail"] = new JsonObject { ["current"] = 1_500_000_000, ["total"] = 9_000_000_000 },
                ["id"] = "a1b2c3d4e5f6",
            }
        );
        if (image.EndsWith(":slow", StringComparison.Ordinal))
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        }

        if (fault is not null)
        {
            await LineAsync(
                context,
                new JsonObject
                {
                    ["errorDetail"] = new JsonObject { ["message"] = fault },
                    ["error"] = fault,
                }
            );
            return;
        }

        World.AddImage(image);
        await LineAsync(context, new JsonObject { ["status"] = $"Status: Downloaded newer image for {image}" });
    }

    private async Task EventsAsync(HttpContext context, CancellationToken stopping)
    {
        var labels = FiltersOf(context, "label");
        _ = long.TryParse(context.Request.Query["since"], CultureInfo.InvariantCulture, out var since);
        var (past, next) = World.Listen(since);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        context.Response.ContentType = "application/json";
        try
        {
            await context.Response.Body.FlushAsync(stop.Token);
            foreach (var happened in past.Where(IsAsked))
            {
                await LineAsync(context, happened);
            }

            await foreach (var happened in next.Reader.ReadAllAsync(stop.Token))
            {
                if (IsAsked(happened))
                {
                    await LineAsync(context, happened);
                    if (Quirks.CutsEvents)
                    {
                        return;
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The caller went away, or the server stops.
        }
        finally
        {
            World.Leave(next);
        }

        bool IsAsked(JsonObject happened) =>
            labels.All(label => DockerShapes.HasAttribute(happened["Actor"]!["Attributes"]!.AsObject(), label));
    }

    /// <summary>Not of the engine: sets members of <see cref="DockerQuirks"/> by name.</summary>
    private async Task QuirksAsync(HttpContext context)
    {
        var wanted = await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
        foreach (var (name, value) in wanted!.AsObject())
        {
            if (
                typeof(DockerQuirks).GetProperty(name) is not { } quirk
                || quirk.Name == nameof(DockerQuirks.AfterCreate)
            )
            {
                await ErrorAsync(context, 400, $"no quirk {name}");
                return;
            }

            quirk.SetValue(Quirks, value.Deserialize(quirk.PropertyType));
        }

        context.Response.StatusCode = 204;
    }

    private string? FaultOf(Version asked) =>
        asked > Version.Parse(Quirks.NewestApi)
            ? $"client version {asked} is too new. Maximum supported API version is {Quirks.NewestApi}"
        : asked < OldestApi
            ? $"client version {asked} is too old. Minimum supported API version is {OldestApi}, please upgrade your client to a newer version"
        : null;

    private JsonObject Info() =>
        new()
        {
            ["ServerVersion"] = "20.10.24",
            ["OSType"] = "linux",
            ["Architecture"] = "x86_64",
            ["Runtimes"] = Quirks.HasNoNvidia
                ? new JsonObject { ["runc"] = new JsonObject { ["path"] = "runc" } }
                : new JsonObject
                {
                    ["runc"] = new JsonObject { ["path"] = "runc" },
                    ["nvidia"] = new JsonObject { ["path"] = "nvidia-container-runtime" },
                },
        };

    private static List<string> FiltersOf(HttpContext context, string name)
    {
        var text = context.Request.Query["filters"].ToString();
        return text.Length == 0 || JsonNode.Parse(text)?[name] is not JsonArray values
            ? []
            : [.. values.Select(value => value!.GetValue<string>())];
    }

    private static Task ErrorAsync(HttpContext context, int status, string words) =>
        JsonAsync(context, status, new JsonObject { ["message"] = words });

    private static async Task JsonAsync(HttpContext context, int status, JsonNode body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(body.ToJsonString() + "\n", context.RequestAborted);
    }

    private static async Task LineAsync(HttpContext context, JsonObject body)
    {
        await context.Response.WriteAsync(body.ToJsonString() + "\r\n", context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    [GeneratedRegex(@"^v\d+\.\d+\z", RegexOptions.None, 1000)]
    private static partial Regex VersionPart();

    [GeneratedRegex(@"^[a-zA-Z0-9][a-zA-Z0-9_.-]+\z", RegexOptions.None, 1000)]
    private static partial Regex NamePattern();
}

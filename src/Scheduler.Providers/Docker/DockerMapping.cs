using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Docker;

internal static partial class DockerMapping
{
    /// <summary>Begins the name of every container of an allocation.</summary>
    private const string NamePrefix = "scheduler-";

    /// <summary>Where the model cache is mounted.</summary>
    private const string CachePath = "/model-cache";

    private const long BytesPerGib = 1L << 30;

    /// <summary>Two files of this size bound the log of a container on the host's disk.</summary>
    private const string LogFileSize = "16m";

    /// <summary>Whether a name of a container can be made from the key.</summary>
    internal static bool IsUsable(AllocationKey key) => Key().IsMatch(key.Value);

    /// <summary>The name is the fence: an engine has one container of a name.</summary>
    internal static string NameOf(AllocationKey key) => NamePrefix + key.Value;

    internal static IEnumerable<Offer> Offers(
        ProviderId provider,
        DockerSlots slots,
        IReadOnlySet<string> taken,
        string region,
        DockerHostOptions host
    ) =>
        from shape in slots.Shapes()
        let price = shape.IsCpu ? host.Cpu.PricePerHour : host.PricePerGpuHour * shape.Size
        select new Offer(
            provider,
            shape.OfferId,
            region,
            shape.Type,
            shape.Size,
            CapacityTier.Dedicated,
            Spot: false,
            MicroEuro.CeilingFromEuros(price),
            slots.Free(shape.Type, shape.IsCpu, taken).Count() / shape.Size,
            EncryptedPath: host.EncryptedPath || host.IsOnLoopback
        );

    /// <summary>The body of a create request.</summary>
    internal static NewContainer Body(
        RuntimeContainer container,
        bool keepsEntrypoint,
        DockerLabels labels,
        ImmutableArray<DockerSlot> slots,
        DockerOptions options,
        DockerHostOptions host
    )
    {
        var (entrypoint, arguments) =
            keepsEntrypoint ? (null, container.Command[1..])
            : container.Arguments is { } rest ? (null, rest)
            : ((string[]?)[container.Command[0]], container.Command[1..]);
        var port = string.Create(CultureInfo.InvariantCulture, $"{container.Port}/tcp");
        return new NewContainer
        {
            Image = container.Image,
            Entrypoint = entrypoint,
            Cmd = arguments,
            Env = [.. Environment(container, slots, options, host).Select(pair => $"{pair.Key}={pair.Value}")],
            Labels = labels.ToLabels(),
            ExposedPorts = new Dictionary<string, object>(StringComparer.Ordinal) { [port] = new { } },
            HostConfig = Devices(slots, host) with
            {
                PortBindings = new Dictionary<string, IReadOnlyList<PortBinding>>(StringComparer.Ordinal)
                {
                    [port] = [new PortBinding { HostIp = host.PublishOnOrDefault, HostPort = "" }],
                },
                Binds = [.. host.ModelCache is { } cache ? [$"{cache}:{CachePath}"] : (string[])[], .. host.Binds],
                ShmSize = RuntimeContainer.SharedMemoryBytes,
                Memory = checked((host.MemoryGibPerGpu ?? 0) * BytesPerGib * slots.Length),
                PidsLimit = host.PidsLimit,
                CapAdd = host.Capabilities.Count > 0 ? [.. host.Capabilities] : null,
                LogConfig = new LogConfig(
                    "json-file",
                    new Dictionary<string, string>(StringComparer.Ordinal) { ["max-size"] = LogFileSize }
                ),
            },
        };
    }

    /// <summary>The header with a registry's credentials; null when none are configured for it.</summary>
    /// <exception cref="IOException">The password file cannot be read.</exception>
    internal static string? RegistryAuth(string image, DockerOptions options)
    {
        var registry = RegistryOf(image);
        if (!options.Registries.TryGetValue(registry, out var login))
        {
            return null;
        }

        var password =
            login.PasswordFile is { } file ? File.ReadAllText(file).Trim()
            : login.PasswordEnvironment is { } name ? System.Environment.GetEnvironmentVariable(name)
            : "";
        var json = JsonSerializer.SerializeToUtf8Bytes(
            new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["username"] = login.Username,
                ["password"] = password,
                ["serveraddress"] = registry,
            }
        );
        // The engine decodes the URL alphabet with padding.
        return Convert.ToBase64String(json).Replace('+', '-').Replace('/', '_');
    }

    /// <summary>The registry of a reference: its first part when that looks like a host, otherwise Docker Hub.</summary>
    internal static string RegistryOf(string image)
    {
        var slash = image.IndexOf('/', StringComparison.Ordinal);
        var first = slash < 0 ? "" : image[..slash];
        return
            first == "localhost"
            || first.Contains('.', StringComparison.Ordinal)
            || first.Contains(':', StringComparison.Ordinal)
            ? first
            : "docker.io";
    }

    /// <summary>A reference without a tag would pull every tag of the repository.</summary>
    internal static string Tagged(string image) =>
        image.Contains('@', StringComparison.Ordinal) || image.LastIndexOf(':') > image.LastIndexOf('/')
            ? image
            : image + ":latest";

    /// <summary>Address of the runtime as the host publishes it; null before that.</summary>
    internal static Uri? EndpointOf(InspectedContainer container, int port, DockerHostOptions host)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{port}/tcp");
        var bound = container.NetworkSettings?.Ports?.GetValueOrDefault(name) is [var first, ..]
            ? first.HostPort
            : null;
        return int.TryParse(bound, NumberStyles.None, CultureInfo.InvariantCulture, out var published) && published > 0
            ? new UriBuilder(Uri.UriSchemeHttp, host.AddressOrDefault, published).Uri
            : null;
    }

    internal static Allocation Show(
        InspectedContainer container,
        DockerLabels labels,
        AllocationStatus status,
        Uri? endpoint,
        DockerOptions options
    ) =>
        new()
        {
            Key = labels.Key,
            Tag = labels.Tag,
            ProviderAllocationId = container.Id,
            Status = status,
            CreatedAt = container.Created,
            Endpoint = status is AllocationStatus.Ready or AllocationStatus.Unhealthy ? endpoint : null,
            Tokenizer = options.Preset(labels.Preset) is { TokenizePath: { } path } preset
                ? new RuntimeTokenizer(path, preset.TokenizeShape)
                : null,
        };

    private static SortedDictionary<string, string> Environment(
        RuntimeContainer container,
        ImmutableArray<DockerSlot> slots,
        DockerOptions options,
        DockerHostOptions host
    )
    {
        var all = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (host.ModelCache is not null)
        {
            all["HF_HOME"] = CachePath;
            all["LLAMA_CACHE"] = CachePath + "/llama.cpp";
        }

        if (slots.All(slot => slot.IsCpu))
        {
            // With NVIDIA's runtime as the default, a container without a request would see every GPU of some images.
            all["NVIDIA_VISIBLE_DEVICES"] = "void";
        }

        foreach (var (name, value) in options.Environment.Concat(container.Environment))
        {
            all[name] = value;
        }

        return all;
    }

    private static HostConfig Devices(ImmutableArray<DockerSlot> slots, DockerHostOptions host)
    {
        string[] ids = [.. slots.Where(slot => !slot.IsCpu).Select(slot => slot.Id)];
        return ids.Length == 0
            ? new HostConfig()
            : host.GpuAccess switch
            {
                DockerGpuAccess.Amd => new HostConfig
                {
                    Devices =
                    [
                        new DeviceMapping("/dev/kfd", "/dev/kfd"),
                        .. ids.Select(id => new DeviceMapping($"/dev/dri/{id}", $"/dev/dri/{id}")),
                    ],
                    GroupAdd = ["video", "render"],
                },
                DockerGpuAccess.Cdi => new HostConfig
                {
                    DeviceRequests =
                    [
                        new DeviceRequest { Driver = "cdi", DeviceIds = [.. ids.Select(id => $"nvidia.com/gpu={id}")] },
                    ],
                },
                _ => new HostConfig
                {
                    DeviceRequests =
                    [
                        new DeviceRequest
                        {
                            Driver = "nvidia",
                            DeviceIds = ids,
                            Capabilities =
                            [
                                ["gpu"],
                            ],
                        },
                    ],
                },
            };
    }

    [GeneratedRegex(@"^[a-zA-Z0-9_.-]{1,128}\z", RegexOptions.None, 1000)]
    private static partial Regex Key();
}

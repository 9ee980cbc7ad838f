using System.Collections.Immutable;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Scheduler.Providers.Gpus;
using Scheduler.Providers.Process;

namespace Scheduler.Providers.Docker;

/// <summary>The slots of a host: configured, or found by <c>nvidia-smi</c> in a container that lives for a moment.</summary>
/// <remarks>
/// The API of an engine cannot list GPUs. Docker tells the names of runtimes, and from API 1.50 devices of the container device
/// interface, but neither their type nor their memory.
/// </remarks>
internal sealed partial class DockerGpus(
    DockerApi api,
    string host,
    DockerHostOptions options,
    GpuNameResolver resolver,
    TimeProvider clock,
    ILogger log
) : IDisposable
{
    private const string DiscoveryLabel = "scheduler.discovery";

    private const int MaxLines = 128;

    private const int FirstPodmanWithCdi = 5;

    /// <summary>An older container of a discovery belongs to a scheduler that crashed.</summary>
    private static readonly TimeSpan DiscoveryWithin = TimeSpan.FromMinutes(2);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private (DateTimeOffset At, DockerSlots Slots, ImmutableSortedDictionary<string, int> Skipped)? _known;

    public void Dispose() => _gate.Dispose();

    /// <summary>All slots, and the GPUs that cannot be offered, by reason.</summary>
    internal async Task<(DockerSlots Slots, ImmutableSortedDictionary<string, int> Skipped)> SlotsAsync(
        CancellationToken cancellationToken
    )
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var now = clock.GetUtcNow();
            if (_known is { } known && now - known.At < options.DiscoverEvery)
            {
                return (known.Slots, known.Skipped);
            }

            var skipped = new SortedDictionary<string, int>(StringComparer.Ordinal);
            var discovered =
                options.Gpus.Count == 0 && options.DiscoverWith is { } image
                    ? await DiscoverAsync(image, skipped, cancellationToken)
                    : [];
            var slots = DockerSlots.Of(options, discovered);
            if (!await GivesGpusAsync(cancellationToken) && slots.Gpus is > 0 and var gpus)
            {
                skipped["podman_gives_no_gpus"] = gpus;
                slots = slots.WithoutGpus();
            }

            _known = (now, slots, skipped.ToImmutableSortedDictionary(StringComparer.Ordinal));
            return (slots, _known.Value.Skipped);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>
    /// Whether a request for GPUs has an effect. Podman ignores requests to NVIDIA's driver, and before 5 also those by CDI names: the
    /// container would start without a GPU, and no error would tell.
    /// </summary>
    private async Task<bool> GivesGpusAsync(CancellationToken cancellationToken) =>
        options.GpuAccess == DockerGpuAccess.Amd
        || await api.PodmanAsync(cancellationToken) is not { } podman
        || (options.GpuAccess == DockerGpuAccess.Cdi && podman.Major >= FirstPodmanWithCdi);

    private async Task<List<DockerSlot>> DiscoverAsync(
        string image,
        SortedDictionary<string, int> skipped,
        CancellationToken cancellationToken
    )
    {
        var slots = new List<DockerSlot>();
        string csv;
        try
        {
            csv = await RunAsync(DockerMapping.Tagged(image), cancellationToken);
        }
        catch (DockerException e)
        {
            // The engine answers, but cannot run the program: its CPU offers stay.
            LogNoGpus(e, host);
            Skip(DockerFailures.NamesNoGpu(e.Message) ? "no_nvidia_runtime" : "discovery_failed");
            return slots;
        }

        var reading = NvidiaSmi.Read(csv, "");
        foreach (var fault in reading.Faults)
        {
            Skip(fault.WireName());
        }

        foreach (var gpu in reading.Gpus)
        {
            if (ProcessMapping.TypeOf(gpu, resolver) is { } type)
            {
                slots.Add(new DockerSlot(type, gpu.Uuid, IsCpu: false));
            }
            else
            {
                Skip("unknown_gpu");
            }
        }

        return slots;

        void Skip(string reason) => skipped[reason] = skipped.GetValueOrDefault(reason) + 1;
    }

    /// <returns>What the program printed.</returns>
    private async Task<string> RunAsync(string image, CancellationToken cancellationToken)
    {
        await SweepAsync(cancellationToken);
        if (!await api.HasImageAsync(image, cancellationToken))
        {
            // Small, and needed once on a host.
            await foreach (var _ in api.PullAsync(image, null, cancellationToken)) { }
        }

        var id =
            await api.CreateAsync(
                $"scheduler-discovery-{RandomNumberGenerator.GetHexString(16, lowercase: true)}",
                Body(image),
                cancellationToken
            ) ?? throw new DockerException("a new name is taken", 0);
        try
        {
            await api.StartAsync(id, cancellationToken);
            var code = await api.WaitAsync(id, cancellationToken);
            var output = await api.ReadLogsAsync(id, MaxLines, cancellationToken);
            return code == 0 ? output : throw new DockerException($"nvidia-smi ended with {code}: {output}", 0);
        }
        finally
        {
            await api.RemoveAsync(id, force: true, CancellationToken.None);
        }
    }

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        var oldest = (clock.GetUtcNow() - DiscoveryWithin).ToUnixTimeSeconds();
        foreach (var left in await api.ListAsync(DiscoveryLabel, cancellationToken))
        {
            if (left.Created < oldest)
            {
                await api.RemoveAsync(left.Id, force: true, cancellationToken);
            }
        }
    }

    private NewContainer Body(string image) =>
        new()
        {
            Image = image,
            Entrypoint = ["nvidia-smi"],
            Cmd = ["--query-gpu=name,memory.total,memory.free,driver_version,uuid", "--format=csv,noheader,nounits"],
            Env = ["NVIDIA_DRIVER_CAPABILITIES=utility"],
            Labels = new Dictionary<string, string>(StringComparer.Ordinal) { [DiscoveryLabel] = host },
            HostConfig = new HostConfig
            {
                NetworkMode = "none",
                PidsLimit = options.PidsLimit,
                DeviceRequests =
                [
                    options.GpuAccess == DockerGpuAccess.Cdi
                        ? new DeviceRequest { Driver = "cdi", DeviceIds = ["nvidia.com/gpu=all"] }
                        : new DeviceRequest
                        {
                            Driver = "nvidia",
                            Count = -1,
                            Capabilities =
                            [
                                ["gpu", "utility"],
                            ],
                        },
                ],
            },
        };

    [LoggerMessage(EventId = 6304, Level = LogLevel.Warning, Message = "{Host} shows no GPUs to containers")]
    private partial void LogNoGpus(Exception exception, string host);
}

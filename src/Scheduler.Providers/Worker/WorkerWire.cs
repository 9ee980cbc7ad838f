using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Scheduler.Domain.Hosts;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Worker;

/// <summary>
/// The API of a worker, version 1: JSON over HTTPS with certificates on both sides. A test holds its shapes. Unknown members are
/// ignored, so that workers and the scheduler may differ by a version.
/// </summary>
internal static class WorkerWire
{
    internal const string Status = "v1/status";
    internal const string Offers = "v1/offers";
    internal const string Allocations = "v1/allocations";
    internal const string SigningRequest = "v1/certificate/request";
    internal const string Certificate = "v1/certificate";

    /// <summary>Longest body that either side reads, bytes. An exit with its output is far below.</summary>
    internal const int LongestBody = 16 << 20;

    internal static readonly JsonSerializerOptions Json = MakeJson();

    private static JsonSerializerOptions MakeJson()
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            Converters = { new JsonStringEnumConverter(namingPolicy: null, allowIntegerValues: false) },
            TypeInfoResolver = new System.Text.Json.Serialization.Metadata.DefaultJsonTypeInfoResolver(),
        };
        options.MakeReadOnly();
        return options;
    }
}

/// <summary>An allocation request. The runtime key and the environment are secrets, so it is sent only over TLS.</summary>
internal sealed record WorkerAllocate
{
    public string Key { get; init; } = "";
    public string Cluster { get; init; } = "";
    public string Instance { get; init; } = "";

    /// <summary>The worker's own id of the offer.</summary>
    public string OfferId { get; init; } = "";
    public RuntimeSpec Runtime { get; init; } = new();
    public string? RuntimeKey { get; init; }
    public ImmutableSortedDictionary<string, string> Environment { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Shows no secret.</summary>
    public override string ToString() => $"{Key} for {Instance}";
}

/// <summary>The answer to an allocation request: one of both.</summary>
internal sealed record WorkerAllocated
{
    public Allocation? Allocation { get; init; }
    public Rejection? Rejection { get; init; }
}

/// <summary>The answer about one key; null for none.</summary>
internal sealed record WorkerFound
{
    public Allocation? Allocation { get; init; }
}

internal sealed record WorkerAllocations
{
    public ImmutableArray<Allocation> Allocations { get; init; } = [];
}

internal sealed record WorkerReleased
{
    public ReleaseOutcome Outcome { get; init; }
}

internal sealed record WorkerOffers
{
    public ImmutableArray<Offer> Offers { get; init; } = [];
    public ImmutableSortedDictionary<string, int> Skipped { get; init; } = ImmutableSortedDictionary<string, int>.Empty;

    /// <summary>Until when its certificate is valid.</summary>
    public DateTimeOffset CertificateUntil { get; init; }
}

internal sealed record WorkerState
{
    public string Version { get; init; } = "";
    public ImmutableArray<HostGpuView> Gpus { get; init; } = [];
    public ImmutableArray<string> Allocations { get; init; } = [];
    public ImmutableSortedDictionary<string, int> Skipped { get; init; } = ImmutableSortedDictionary<string, int>.Empty;
}

/// <summary>A certificate or a request for one, PEM.</summary>
internal sealed record WorkerPem
{
    public string Pem { get; init; } = "";
}

internal static class WorkerRequests
{
    internal static WorkerAllocate ToWire(this AllocationRequest request, string offerId) =>
        new()
        {
            Key = request.Key.Value,
            Cluster = request.Tag.Cluster,
            Instance = request.Tag.Instance.Value,
            OfferId = offerId,
            Runtime = request.Runtime,
            RuntimeKey = request.RuntimeKey?.Value,
            Environment = request.Environment,
        };

    /// <param name="provider">The worker's own provider.</param>
    internal static AllocationRequest ToRequest(this WorkerAllocate wire, ProviderId provider) =>
        new(
            new AllocationKey(wire.Key),
            new AllocationTag(wire.Cluster, new InstanceId(wire.Instance)),
            // Of the offer, the worker reads only the id. It knows all else better than the request.
            new Offer(provider, wire.OfferId, "", "", 1, CapacityTier.Dedicated, false, default, 0),
            wire.Runtime,
            wire.RuntimeKey is { } key ? new RuntimeKey(key) : null
        )
        {
            Environment = wire.Environment,
        };
}

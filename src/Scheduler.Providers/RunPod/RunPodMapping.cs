using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.RunPod;

/// <summary>Between RunPod's REST API v2 and domain types. Source: its OpenAPI description, 2.0.0 of 2026-08.</summary>
internal static class RunPodMapping
{
    /// <summary>Larger counts are errors; the largest machines have 8 GPUs.</summary>
    internal const int MaxGpuCount = 16;

    /// <summary>RunPod states no limit.</summary>
    internal const int MaxNameChars = 191;

    /// <summary>Region of offers that RunPod places anywhere.</summary>
    internal const string AnyRegion = "ANY";

    /// <summary>
    /// What the words for stock are worth as numbers. They are a prior and no fact: users report stock that cannot be rented.
    /// </summary>
    private static readonly Dictionary<string, int> Stock = new(StringComparer.Ordinal)
    {
        ["NONE"] = 0,
        ["LOW"] = 1,
        ["MEDIUM"] = 4,
        ["HIGH"] = 16,
    };

    /// <summary>The offers of one GPU type in one answer of the catalogue, which is about one cloud and one count.</summary>
    internal static void AddOffers(
        OfferSet offers,
        JsonElement gpu,
        string cloud,
        int count,
        RunPodOptions options,
        GpuNameResolver resolver
    )
    {
        var tier = cloud.ToLowerInvariant();
        if (
            gpu.Text("id") is not { Length: > 0 and <= 200 } id
            || gpu.Whole("memory") is not { } memory
            || memory is <= 0 or > 10_000
        )
        {
            offers.Skip("unreadable");
            return;
        }

        if (gpu.Flag(tier) == false || (gpu.Member("maxCount")?.Whole(tier) ?? 0) < count)
        {
            // Not rented out so; this is no fault of the list.
            return;
        }

        var price = gpu.Member("price")?.Decimal(tier);
        if (!VendorPrice.IsSound(price) || !VendorPrice.IsSound(price * count))
        {
            offers.Skip("price");
            return;
        }

        if (VendorGpus.TypeOf(resolver, memory, gpu.Text("name") ?? "", id, gpu.Text("name")) is not { } type)
        {
            offers.Skip("unknown_gpu");
            return;
        }

        var (eur, quoted) = VendorPrice.Of((price!.Value * count) + options.DiskUsdPerHour, options.EurPerUsd);
        foreach (var (region, available) in PlacesOf(offers, gpu))
        {
            offers.Add(
                new Offer(
                    new ProviderId(options.Id),
                    new RunPodOfferId(cloud, region, id, count).ToString(),
                    region,
                    type,
                    count,
                    cloud == "SECURE" ? CapacityTier.Standard : CapacityTier.Community,
                    Spot: false,
                    eur,
                    available,
                    quoted,
                    EncryptedPath: options.ProxyUrl.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
                )
            );
        }
    }

    /// <summary>The body of a create request.</summary>
    internal static JsonObject CreateBody(
        AllocationRequest request,
        RunPodOfferId offer,
        RuntimeContainer container,
        RunPodOptions options
    )
    {
        var gpu = new JsonObject { ["id"] = offer.Gpu, ["count"] = offer.Count };
        if (options.MinCudaVersion is { } cuda)
        {
            gpu["minCudaVersion"] = cuda;
        }

        var body = new JsonObject
        {
            ["name"] = AllocationMark.Of(request.Tag.Cluster, request.Key, MaxNameChars),
            ["image"] = container.Image,
            ["args"] = ShellWords.Join(container.Arguments!.Value),
            ["env"] = new JsonObject(
                container.Environment.Select(pair => KeyValuePair.Create<string, JsonNode?>(pair.Key, pair.Value))
            ),
            ["ports"] = new JsonArray($"{container.Port.ToString(CultureInfo.InvariantCulture)}/http"),
            ["disk"] = options.DiskGib,
            ["gpu"] = gpu,
            ["cloud"] = offer.Cloud,
        };
        if (offer.Region != AnyRegion)
        {
            body["dataCenterIds"] = new JsonArray(offer.Region);
        }

        return body;
    }

    /// <summary>A pod of the list; null for one that is not ours, and for one that is gone.</summary>
    /// <exception cref="VendorException">It has no id or name, so that it may be ours.</exception>
    internal static Rented? ToRented(JsonElement pod, RunPodOptions options, DateTimeOffset now)
    {
        if (pod.IdText("id") is not { Length: > 0 } id || pod.Text("name") is not { } name)
        {
            throw new VendorException("RunPod lists a pod without id or name");
        }

        var status = pod.Text("status");
        if (AllocationMark.Read(name) is not { } mark || status == "TERMINATED")
        {
            return null;
        }

        return new Rented
        {
            Id = id,
            Mark = mark,
            State = status switch
            {
                "PROVISIONING" or "STARTING" => RentedState.Coming,
                "RUNNING" => RentedState.Running,
                "EXITED" or "ERROR" => RentedState.Ended,
                _ => RentedState.Silent,
            },
            Words = status,
            CreatedAt = pod.Time("createdAt"),
            Endpoint = options.Endpoint(id, RuntimeContainer.DefaultPort),
            Uptime = pod.Member("runtime")?.Whole("uptime") is { } seconds and >= 0 and < int.MaxValue
                ? TimeSpan.FromSeconds(seconds)
                : null,
            SeenAt = now,
        };
    }

    /// <summary>The lines of a log stream; unreadable events are left out.</summary>
    internal static string LogText(IEnumerable<string> events)
    {
        var text = new System.Text.StringBuilder();
        foreach (var line in events.Where(line => line.StartsWith("data:", StringComparison.Ordinal)))
        {
            try
            {
                using var data = JsonDocument.Parse(line.AsMemory("data:".Length));
                text.Append(data.RootElement.Text("line")).Append('\n');
            }
            catch (JsonException)
            {
                // The stream may be cut within an event.
            }
        }

        return OutputExcerpt.Of(text.ToString(), RuntimeExit.MaxOutputTailChars);
    }

    private static List<(string Region, int Available)> PlacesOf(OfferSet offers, JsonElement gpu)
    {
        var centers = gpu.Items("dataCenters").ToList();
        if (centers.Count == 0)
        {
            var available = Stock.GetValueOrDefault(gpu.Text("availability") ?? "NONE");
            return available > 0 ? [(AnyRegion, available)] : [];
        }

        var places = new List<(string, int)>();
        foreach (var center in centers)
        {
            if (center.Text("id") is not { Length: > 0 and <= 63 } id || id.Contains('/'))
            {
                offers.Skip("unreadable");
            }
            else if (Stock.GetValueOrDefault(center.Text("availability") ?? "NONE") is > 0 and var available)
            {
                places.Add((id, available));
            }
        }

        return places;
    }
}

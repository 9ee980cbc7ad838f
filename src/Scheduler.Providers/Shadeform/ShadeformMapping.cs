using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Shadeform;

/// <summary>Between Shadeform's API and domain types. Source: its OpenAPI description, 1.0.0 of 2026-03.</summary>
internal static class ShadeformMapping
{
    /// <summary>Shadeform states no limit; names of machines at the clouds behind it have 63.</summary>
    internal const int MaxNameChars = 63;

    private const int MaxGpuCount = 64;
    private const int MaxPartChars = 60;
    private const decimal CentsPerUnit = 100;

    /// <summary>Shadeform tells whether there is a machine, and no numbers.</summary>
    private const int AvailablePrior = 1;

    /// <summary>The offers of one instance type: one for each region with a machine.</summary>
    internal static void AddOffers(
        OfferSet offers,
        JsonElement type,
        ShadeformOptions options,
        GpuNameResolver resolver
    )
    {
        if (
            type.Text("cloud") is not { } cloud
            || !IsPart(cloud)
            || type.Text("shade_instance_type") is not { } name
            || !IsPart(name)
            || type.Member("configuration") is not { } parts
            || parts.Whole("num_gpus") is not ({ } count and > 0 and <= MaxGpuCount)
            || parts.Whole("vram_per_gpu_in_gb") is not ({ } memory and > 0 and < 10_000)
        )
        {
            offers.Skip("unreadable");
            return;
        }

        if (options.Clouds.Count > 0 && !options.Clouds.Contains(cloud, StringComparer.Ordinal))
        {
            return;
        }

        // Whole cents of USD for the whole machine.
        var price = type.Whole("hourly_price") / CentsPerUnit;
        if (!VendorPrice.IsSound(price))
        {
            offers.Skip("price");
            return;
        }

        if (TypeOf(parts, memory, resolver) is not { } gpu)
        {
            offers.Skip("unknown_gpu");
            return;
        }

        var (eur, quoted) = VendorPrice.Of(price!.Value, options.EurPerUsd);
        foreach (var place in type.Items("availability").Where(place => place.Flag("available") == true))
        {
            if (place.Text("region") is not { } region || !IsPart(region))
            {
                offers.Skip("unreadable");
                continue;
            }

            offers.Add(
                new Offer(
                    new ProviderId(options.Id),
                    new ShadeformOfferId(cloud, region, name).ToString(),
                    // Two clouds may have regions of one name, and fail independently.
                    $"{region}@{cloud}",
                    gpu,
                    (int)count,
                    CapacityTier.Standard,
                    Spot: false,
                    eur,
                    AvailablePrior,
                    quoted
                )
            );
        }
    }

    /// <summary>The body of a create request.</summary>
    internal static JsonObject CreateBody(
        AllocationRequest request,
        ShadeformOfferId offer,
        RuntimeContainer container,
        ShadeformOptions options,
        DateTimeOffset now
    )
    {
        var variables = container.Environment.Select(pair =>
            (JsonNode)new JsonObject { ["name"] = pair.Key, ["value"] = pair.Value }
        );
        var body = new JsonObject
        {
            ["cloud"] = offer.Cloud,
            ["region"] = offer.Region,
            ["shade_instance_type"] = offer.InstanceType,
            ["shade_cloud"] = options.ShadeCloud,
            ["name"] = AllocationMark.Of(request.Tag.Cluster, request.Key, MaxNameChars),
            ["launch_configuration"] = new JsonObject
            {
                ["type"] = "docker",
                ["docker_configuration"] = new JsonObject
                {
                    ["image"] = container.Image,
                    ["args"] = ShellWords.Join(container.Arguments!.Value),
                    ["shared_memory_in_gb"] = RuntimeContainer.SharedMemoryBytes >> 30,
                    ["envs"] = new JsonArray([.. variables]),
                    ["port_mappings"] = new JsonArray(
                        new JsonObject { ["host_port"] = container.Port, ["container_port"] = container.Port }
                    ),
                },
            },
        };
        if (options.AutoDeleteAfter is { } limit)
        {
            var date = (now + limit).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
            body["auto_delete"] = new JsonObject { ["date_threshold"] = date };
        }

        return body;
    }

    /// <summary>A machine of the list; null for one that is not ours, and for one that is gone.</summary>
    /// <exception cref="VendorException">It has no id or name, so that it may be ours.</exception>
    internal static Rented? ToRented(JsonElement machine, ShadeformOptions options, DateTimeOffset now)
    {
        if (machine.IdText("id") is not { Length: > 0 } id || machine.Text("name") is not { } name)
        {
            throw new VendorException("Shadeform lists a machine without id or name");
        }

        var status = machine.Text("status");
        if (AllocationMark.Read(name) is not { } mark || status == "deleted")
        {
            return null;
        }

        var details = machine.Text("status_details") is { Length: > 0 } said ? VendorWords.Clean(said) : null;
        return new Rented
        {
            Id = id,
            Mark = mark,
            State = status switch
            {
                "creating" or "pending_provider" or "pending" => RentedState.Coming,
                "active" => RentedState.Running,
                "error" => RentedState.Ended,
                "deleting" => RentedState.Ending,
                _ => RentedState.Silent,
            },
            Words = details ?? status,
            CreatedAt = machine.Time("created_at"),
            Endpoint = options.Endpoint(machine.Text("ip"), PortOf(machine)),
            SeenAt = now,
        };
    }

    /// <summary>Some clouds publish another port than was asked for.</summary>
    private static long PortOf(JsonElement machine) =>
        machine
            .Items("port_mappings")
            .Where(mapping => mapping.Whole("internal_port") == RuntimeContainer.DefaultPort)
            .Select(mapping => mapping.Whole("external_port"))
            .FirstOrDefault()
        ?? RuntimeContainer.DefaultPort;

    private static string? TypeOf(JsonElement parts, long memory, GpuNameResolver resolver)
    {
        var name = parts.Text("gpu_type") ?? "";
        var board = $"{name} {parts.Text("interconnect")} {(parts.Flag("nvlink") == true ? "SXM" : "")}";
        return VendorGpus.TypeOf(resolver, memory, board, name, name.Replace('_', ' '), name.Split('_')[0]);
    }

    private static bool IsPart(string text) => text.Length is > 0 and <= MaxPartChars && !text.Contains('/');
}

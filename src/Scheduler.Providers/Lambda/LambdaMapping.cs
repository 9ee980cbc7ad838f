using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Lambda;

/// <summary>Between Lambda's Cloud API v1 and domain types. Source: its OpenAPI description 1.10.0.</summary>
internal static partial class LambdaMapping
{
    internal const int MaxNameChars = 64;

    /// <summary>Larger counts are errors in the list; machines have at most 8 GPUs.</summary>
    private const int MaxGpuCount = 16;

    /// <summary>Lambda names the regions with capacity and no numbers, so one machine is all that is known.</summary>
    private const int AvailablePrior = 1;

    private const decimal CentsPerUsd = 100;

    /// <summary>The offers of one instance type, one for each region with capacity.</summary>
    internal static void AddOffers(OfferSet offers, JsonElement entry, LambdaOptions options, GpuNameResolver resolver)
    {
        if (
            entry.Member("instance_type") is not { } type
            || type.Text("name") is not { Length: > 0 and <= 100 } name
            || name.Contains('/')
            || type.Member("specs")?.Whole("gpus") is not { } gpus
        )
        {
            offers.Skip("unreadable");
            return;
        }

        if (gpus == 0)
        {
            // A machine without GPUs is no fault of the list.
            return;
        }

        var price = type.Whole("price_cents_per_hour") / CentsPerUsd;
        var description = type.Text("gpu_description") ?? "";
        var gpuType = TypeOf(description, resolver);
        var fault =
            gpus is < 0 or > MaxGpuCount ? "gpu_count"
            : !VendorPrice.IsSound(price) ? "price"
            : type.Text("architecture") == "arm64" ? "arm64"
            : gpuType is null ? "unknown_gpu"
            : null;
        if (fault is not null)
        {
            offers.Skip(fault);
            return;
        }

        var (eur, quoted) = VendorPrice.Of(price!.Value, options.EurPerUsd);
        foreach (var place in entry.Items("regions_with_capacity_available"))
        {
            if (place.Text("name") is not { Length: > 0 and <= 63 } region || region.Contains('/'))
            {
                offers.Skip("unreadable");
                continue;
            }

            offers.Add(
                new Offer(
                    new ProviderId(options.Id),
                    new LambdaOfferId(region, name).ToString(),
                    region,
                    gpuType!,
                    (int)gpus,
                    CapacityTier.Standard,
                    Spot: false,
                    eur,
                    AvailablePrior,
                    quoted,
                    EncryptedPath: options.EndpointUrl.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
                )
            );
        }
    }

    /// <summary>The body of a launch request. Tags repeat the name for people; only the name is read back.</summary>
    internal static JsonObject LaunchBody(
        AllocationRequest request,
        LambdaOfferId offer,
        RuntimeContainer container,
        LambdaOptions options
    )
    {
        var body = new JsonObject
        {
            ["region_name"] = offer.Region,
            ["instance_type_name"] = offer.InstanceType,
            ["ssh_key_names"] = new JsonArray(options.SshKeyName),
            ["name"] = AllocationMark.Of(request.Tag.Cluster, request.Key, MaxNameChars),
            ["user_data"] = LambdaBoot.Script(container),
            ["tags"] = new JsonArray(
                new JsonObject { ["key"] = "gpu-scheduler-instance", ["value"] = request.Tag.Instance.Value }
            ),
        };
        if (options.ImageFamily is { } family)
        {
            body["image"] = new JsonObject { ["family"] = family };
        }

        if (options.FirewallRulesets.TryGetValue(offer.Region, out var ruleset))
        {
            body["firewall_rulesets"] = new JsonArray(new JsonObject { ["id"] = ruleset });
        }

        return body;
    }

    /// <summary>The id in the answer to a launch request.</summary>
    /// <exception cref="VendorException">There is not exactly one.</exception>
    internal static string LaunchedId(JsonElement answer)
    {
        var ids = (answer.Member("data") ?? default).Items("instance_ids").Select(id => id.Text()).ToList();
        return ids is [{ Length: > 0 } id]
            ? id
            : throw new VendorException($"Lambda answered a launch request with {ids.Count} ids");
    }

    /// <summary>A machine of the list; null for one that is not ours, and for one that is gone.</summary>
    /// <exception cref="VendorException">It has no id, so that it may be ours.</exception>
    internal static Rented? ToRented(JsonElement machine, LambdaOptions options, DateTimeOffset now)
    {
        if (machine.Text("id") is not { Length: > 0 } id)
        {
            throw new VendorException("Lambda lists a machine without an id");
        }

        var status = machine.Text("status");
        // A machine may have no name, and then it is of a person.
        if (AllocationMark.Read(machine.Text("name")) is not { } mark || status == "terminated")
        {
            return null;
        }

        return new Rented
        {
            Id = id,
            Mark = mark,
            State = status switch
            {
                "booting" => RentedState.Coming,
                "active" => RentedState.Running,
                "terminating" => RentedState.Ending,
                "preempted" => RentedState.TakenBack,
                _ => RentedState.Silent,
            },
            Words = status,
            Endpoint = options.Endpoint(machine.Text("ip"), RuntimeContainer.DefaultPort),
            SeenAt = now,
        };
    }

    /// <summary>From <c>A10 (24 GB PCIe)</c>, the only place where the memory is stated.</summary>
    private static string? TypeOf(string description, GpuNameResolver resolver)
    {
        var match = Description().Match(description);
        return match.Success && double.TryParse(match.Groups["gb"].ValueSpan, CultureInfo.InvariantCulture, out var gib)
            ? VendorGpus.TypeOf(resolver, gib, match.Groups["board"].Value, match.Groups["name"].Value)
            : null;
    }

    [GeneratedRegex(
        @"^(?<name>[^()]{1,60}?) \((?<gb>[0-9]{1,4}) GB(?<board>[^()]{0,20})\)$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex Description();
}

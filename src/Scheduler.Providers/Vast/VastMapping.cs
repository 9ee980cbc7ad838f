using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Vast;

/// <summary>Between Vast's API and domain types. Source: the OpenAPI files of its documentation, 2026-08.</summary>
internal static class VastMapping
{
    /// <summary>Limit of <c>label</c>.</summary>
    internal const int MaxLabelChars = 256;

    /// <summary>Limit of all arguments together.</summary>
    internal const int MaxArgumentChars = 4096;

    private const int MaxGpuCount = 64;
    private const decimal MicroPerUnit = 1_000_000;
    private const decimal HoursPerMonth = 730;
    private const double MibPerGib = 1024;
    private const string AnyRegion = "ANY";

    /// <summary>Hosts in a data center; others are private.</summary>
    private const long DataCenterHost = 1;

    /// <summary>The body of a search. Vast filters, so that a listing costs one call for each kind of offer.</summary>
    internal static JsonObject SearchBody(VastOptions options, bool isBid)
    {
        var body = new JsonObject
        {
            ["type"] = isBid ? "bid" : "ondemand",
            ["limit"] = options.MaxOffers,
            ["order"] = new JsonArray(new JsonArray("dph_total", "asc")),
            // With it, the price of an offer includes this disk.
            ["allocated_storage"] = options.DiskGb,
            ["rentable"] = Is("eq", true),
            ["rented"] = Is("eq", false),
            ["direct_port_count"] = Is("gte", 1),
            ["disk_space"] = Is("gte", options.DiskGb),
            ["inet_down"] = Is("gte", options.MinDownMbps),
            ["cuda_max_good"] = Is("gte", options.MinCuda),
            ["reliability2"] = Is("gte", options.MinReliability),
        };
        if (options.OnlyVerified)
        {
            body["verified"] = Is("eq", true);
        }

        if (options.Countries.Count > 0)
        {
            body["geolocation"] = Is("in", new JsonArray([.. options.Countries.Select(name => (JsonNode)name)]));
        }

        return body;
    }

    internal static void AddOffer(
        OfferSet offers,
        JsonElement ask,
        bool isBid,
        VastOptions options,
        GpuNameResolver resolver
    )
    {
        if (
            ask.Whole("id") is not { } id
            || id <= 0
            || ask.Whole("num_gpus") is not ({ } count and > 0 and <= MaxGpuCount)
            || ask.Decimal("gpu_ram") is not ({ } memory and > 0 and < 10_000_000)
        )
        {
            offers.Skip("unreadable");
            return;
        }

        var bid = ask.Decimal("min_bid") is { } least ? decimal.Round(least * options.BidFactor, 6) : (decimal?)null;
        var disk = ask.Decimal("storage_cost") * options.DiskGb / HoursPerMonth;
        // An interruptible instance costs what is bid for it, and its disk.
        var price = isBid ? bid + disk : ask.Decimal("dph_total");
        if (!VendorPrice.IsSound(price) || (isBid && !VendorPrice.IsSound(bid)))
        {
            offers.Skip("price");
            return;
        }

        // The name holds the board too: "A100 PCIE", "H100 SXM".
        var name = ask.Text("gpu_name") ?? "";
        if (VendorGpus.TypeOf(resolver, (double)memory / MibPerGib, board: name, name) is not { } type)
        {
            offers.Skip("unknown_gpu");
            return;
        }

        var (eur, quoted) = VendorPrice.Of(price!.Value, options.EurPerUsd);
        offers.Add(
            new Offer(
                new ProviderId(options.Id),
                new VastOfferId(id, isBid ? (long)decimal.Ceiling(bid!.Value * MicroPerUnit) : null).ToString(),
                RegionOf(ask.Text("geolocation")),
                type,
                (int)count,
                ask.Whole("hosting_type") == DataCenterHost ? CapacityTier.Standard : CapacityTier.Community,
                isBid,
                eur,
                Available: 1,
                quoted
            )
        );
    }

    /// <summary>The body of a create request.</summary>
    internal static JsonObject CreateBody(
        AllocationRequest request,
        VastOfferId offer,
        RuntimeContainer container,
        VastOptions options
    )
    {
        var environment = new JsonObject(
            container.Environment.Select(pair => KeyValuePair.Create<string, JsonNode?>(pair.Key, pair.Value))
        );
        // Ports are options of docker among the variables.
        environment[string.Create(CultureInfo.InvariantCulture, $"-p {container.Port}:{container.Port}")] = "1";
        var body = new JsonObject
        {
            ["image"] = container.Image,
            ["disk"] = options.DiskGb,
            ["label"] = AllocationMark.Of(request.Tag.Cluster, request.Key, MaxLabelChars),
            ["runtype"] = "args",
            ["args"] = new JsonArray([.. container.Arguments!.Value.Select(word => (JsonNode)word)]),
            ["env"] = environment,
            ["target_state"] = "running",
            // Without it an instance that cannot start waits, and its disk is billed.
            ["cancel_unavail"] = true,
        };
        if (offer.BidMicroUsd is { } bid)
        {
            body["price"] = bid / MicroPerUnit;
        }

        return body;
    }

    /// <summary>An instance of the list; null for one that is not ours.</summary>
    /// <exception cref="VendorException">It has our label and no id.</exception>
    internal static Rented? ToRented(JsonElement instance, VastOptions options, DateTimeOffset now)
    {
        // Instances that were made by hand have no label.
        if (AllocationMark.Read(instance.Text("label")) is not { } mark)
        {
            return null;
        }

        var (state, words) = StateOf(instance);
        return new Rented
        {
            Id = instance.IdText("id") is { Length: > 0 } id
                ? id
                : throw new VendorException("Vast lists an instance without an id"),
            Mark = mark,
            State = state,
            Words = words,
            CreatedAt = TimeOf(instance.Decimal("start_date")),
            Endpoint = EndpointOf(instance, options),
            SeenAt = now,
        };
    }

    internal static string LogText(string log) => OutputExcerpt.Of(log, RuntimeExit.MaxOutputTailChars);

    /// <remarks>
    /// An instance that another customer has outbid, or whose account is out of credit, is stopped by all three of its states. Its
    /// last actual status may still be <c>loading</c> or <c>running</c>. The adapter itself never stops one.
    /// </remarks>
    private static (RentedState State, string? Words) StateOf(JsonElement instance)
    {
        var message = instance.Text("status_msg") is { Length: > 0 } said ? VendorWords.Clean(said) : null;
        if (
            instance.Text("cur_state") == "stopped"
            && instance.Text("intended_status") == "stopped"
            && instance.Text("next_state") == "stopped"
        )
        {
            var isBid = instance.Flag("is_bid") == true;
            return (RentedState.TakenBack, isBid ? "outbid, or the account has no credit left" : "stopped by Vast");
        }

        return instance.Text("actual_status") switch
        {
            "created" when IsDead(message) => (RentedState.Ended, message),
            null or "created" or "loading" or "rebooting" => (RentedState.Coming, message),
            "running" => (RentedState.Running, message),
            "exited" => (RentedState.Ended, message ?? "exited"),
            var other => (RentedState.Silent, message ?? VendorWords.Clean(other)),
        };
    }

    /// <summary>A container that could not be created is not tried again, and its status stays.</summary>
    private static bool IsDead(string? message) =>
        message?.Contains("OCI runtime create failed", StringComparison.OrdinalIgnoreCase) == true
        || message?.StartsWith("Error response from daemon", StringComparison.OrdinalIgnoreCase) == true;

    private static Uri? EndpointOf(JsonElement instance, VastOptions options)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{RuntimeContainer.DefaultPort}/tcp");
        var bound = instance.Member("ports")?.Items(name).Select(port => port.Text("HostPort")).FirstOrDefault();
        return
            instance.Text("public_ipaddr")?.Trim() is { Length: > 0 } ip
            && int.TryParse(bound, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port is > 0 and <= ushort.MaxValue
            ? options.Endpoint(ip, port)
            : null;
    }

    /// <summary>Vast writes <c>California, US</c>; the country is the region, because a state is not always there.</summary>
    private static string RegionOf(string? place) =>
        place?.Split(',')[^1].Trim() is { Length: > 0 and <= 63 } country ? country : AnyRegion;

    private static DateTimeOffset? TimeOf(decimal? seconds) =>
        seconds is > 0 and < 100_000_000_000 ? DateTimeOffset.UnixEpoch.AddSeconds((double)seconds.Value) : null;

    private static JsonObject Is(string comparison, JsonNode value) => new() { [comparison] = value };
}

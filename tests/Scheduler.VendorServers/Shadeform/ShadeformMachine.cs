using System.Globalization;
using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Shadeform;

/// <summary>A machine. Its state follows from the clock.</summary>
public sealed class ShadeformMachine
{
    /// <summary>A serving name whose runtime never becomes healthy.</summary>
    public const string NeverReady = "never-ready";

    private static readonly TimeSpan Booting = TimeSpan.FromSeconds(8);

    /// <summary>From the start of the machine until its runtime is healthy.</summary>
    private static readonly TimeSpan Loading = TimeSpan.FromSeconds(4);

    public required string Id { get; init; }

    public required int Number { get; init; }

    public required JsonObject Asked { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required ShadeformQuirks Quirks { get; init; }

    public DateTimeOffset? DeletedAt { get; set; }

    public string Name => Asked["name"]!.GetValue<string>();

    internal string Slot => $"{Asked["cloud"]}/{Asked["region"]}/{Asked["shade_instance_type"]}";

    internal string Ip => string.Create(CultureInfo.InvariantCulture, $"203.0.113.{Number % 250}");

    private JsonObject? Container => Asked["launch_configuration"]?["docker_configuration"] as JsonObject;

    internal int Port =>
        Quirks.OtherPort > 0 ? Quirks.OtherPort : Container?["port_mappings"]?[0]?["host_port"]?.GetValue<int>() ?? 0;

    internal string? RuntimeKey =>
        (Container?["envs"] as JsonArray)
            ?.FirstOrDefault(env => env!["name"]!.GetValue<string>().EndsWith("API_KEY", StringComparison.Ordinal))
            ?["value"]?.GetValue<string>();

    internal string StatusAt(DateTimeOffset now)
    {
        var age = now - CreatedAt - TimeSpan.FromSeconds(Quirks.PendingSeconds);
        return DeletedAt is not null ? "deleting"
            : age < TimeSpan.FromSeconds(1) ? "pending_provider"
            : Quirks.MachineFails ? "error"
            : age < Booting ? "pending"
            : "active";
    }

    internal bool IsHealthyAt(DateTimeOffset now) =>
        StatusAt(now) == "active"
        && Container?["args"]?.GetValue<string>().Contains(NeverReady, StringComparison.Ordinal) != true
        && now - CreatedAt - TimeSpan.FromSeconds(Quirks.PendingSeconds) >= Booting + Loading;

    internal JsonObject ToJson(DateTimeOffset now)
    {
        var status = StatusAt(now);
        return new JsonObject
        {
            ["id"] = Id,
            ["name"] = Name,
            ["cloud"] = Asked["cloud"]!.DeepClone(),
            ["region"] = Asked["region"]!.DeepClone(),
            ["shade_instance_type"] = Asked["shade_instance_type"]!.DeepClone(),
            ["shade_cloud"] = Asked["shade_cloud"]!.DeepClone(),
            ["status"] = status,
            ["status_details"] = status == "error" ? "the provider could not start the server" : "",
            ["ip"] = status is "active" or "deleting" ? Ip : "",
            ["hourly_price"] = 210,
            ["port_mappings"] =
                Quirks.OtherPort > 0
                    ? new JsonArray(new JsonObject { ["internal_port"] = 8000, ["external_port"] = Port })
                    : new JsonArray(),
            ["created_at"] = CreatedAt.UtcDateTime.ToString(
                "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'",
                CultureInfo.InvariantCulture
            ),
            ["deleted_at"] = "0001-01-01T00:00:00Z",
        };
    }
}

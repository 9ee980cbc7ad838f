using System.Globalization;
using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Shadeform;

/// <summary>Shadeform's API v1 as its OpenAPI description of 2026-03 says, with machines that start nothing.</summary>
public sealed class ShadeformCloud(TimeProvider clock) : IVendorCloud
{
    /// <summary>Path of the runtimes; at the vendor they have addresses of their own.</summary>
    public const string RuntimePath = "/runtime/{ip}/{port}/";

    private readonly Lock _lock = new();
    private readonly List<ShadeformMachine> _machines = [];

    /// <summary>The API key that it accepts.</summary>
    public string ApiKey { get; set; } = "shade_standin";

    public ShadeformQuirks Quirks { get; } = new();

    /// <summary>Machines of one type and region.</summary>
    public int Capacity { get; set; } = 4;

    /// <summary>Machines made, with those that are gone.</summary>
    public int Made { get; private set; }

    /// <summary>Machines that exist now, listed or not.</summary>
    public IReadOnlyList<ShadeformMachine> Machines
    {
        get
        {
            lock (_lock)
            {
                return [.. _machines.Where(Exists)];
            }
        }
    }

    public async Task<VendorReply> AnswerAsync(VendorRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var reply = Decide(request);
        if (reply is null)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, clock, cancellationToken);
        }

        return reply!;
    }

    /// <returns>Null for a request that is never answered.</returns>
    private VendorReply? Decide(VendorRequest request)
    {
        lock (_lock)
        {
            var parts = request.Path.Trim('/').Split('/');
            return parts switch
            {
                ["quirks"] => QuirkSwitches.Answer(request, Quirks),
                ["runtime", var ip, var port, .. var rest] => Runtime(request, ip, port, "/" + string.Join('/', rest)),
                ["v1", .. var rest] => Checked(request, rest),
                _ => Error(404, "NOT_FOUND", "no such path"),
            };
        }
    }

    private VendorReply? Checked(VendorRequest request, string[] path)
    {
        if (request.Headers.GetValueOrDefault("X-API-KEY") != ApiKey)
        {
            return Error(401, "UNAUTHORIZED", "Invalid API key");
        }

        if (Quirks.TooManyRequests > 0)
        {
            Quirks.TooManyRequests--;
            return Error(429, "RATE_LIMITED", "Too many requests");
        }

        return (request.Method, path) switch
        {
            ("GET", ["instances", "types"]) => Types(),
            ("POST", ["instances", "create"]) => Create(request.Body),
            ("GET", ["instances"]) => List(),
            ("GET", ["instances", var id, "info"]) => With(
                id,
                made => VendorReply.Json(200, made.ToJson(clock.GetUtcNow()))
            ),
            ("POST", ["instances", var id, "delete"]) => With(id, Delete),
            _ => Error(404, "NOT_FOUND", "no such path"),
        };
    }

    private VendorReply Types()
    {
        var types = ShadeformTypes.All.Select(shape => (JsonNode)ShadeformTypes.ToJson(shape, IsThere)).ToList();
        if (Quirks.TypesLie)
        {
            var first = ShadeformTypes.All[0];
            types.Add(ShadeformTypes.ToJson(first, IsThere));
            types.Add(ShadeformTypes.ToJson(first with { Type = "free", Cents = 0 }, IsThere));
            types.Add(ShadeformTypes.ToJson(first with { Type = "dear", Cents = 1_000_000_000 }, IsThere));
            types.Add(ShadeformTypes.ToJson(first with { Type = "huge", Count = 100_000 }, IsThere));
        }

        return VendorReply.Json(200, new JsonObject { ["instance_types"] = new JsonArray([.. types]) });
    }

    private VendorReply? Create(string body)
    {
        var asked = JsonNode.Parse(body)!.AsObject();
        foreach (var needed in (string[])["cloud", "region", "shade_instance_type", "shade_cloud", "name"])
        {
            if (asked[needed] is null)
            {
                return Error(400, "INVALID_REQUEST", $"{needed} is required");
            }
        }

        var made = new ShadeformMachine
        {
            Id = string.Create(CultureInfo.InvariantCulture, $"d290f1ee-0000-4b01-90e6-{Made + 1:000000000000}"),
            Number = Made + 1,
            Asked = asked,
            CreatedAt = clock.GetUtcNow(),
            Quirks = Quirks,
        };
        if (
            !ShadeformTypes.All.Any(shape =>
                shape.Regions.Any(region => $"{shape.Cloud}/{region}/{shape.Type}" == made.Slot)
            )
        )
        {
            return Error(400, "INVALID_REQUEST", $"no instance type {made.Slot}");
        }

        if (Quirks.NoCredit)
        {
            return Error(403, "INSUFFICIENT_BALANCE", "Your balance is too low. Please add funds.");
        }

        if (Quirks.NoStock || !IsThere(made.Slot))
        {
            return Error(409, "OUT_OF_STOCK", "The requested instance type is out of stock");
        }

        Made++;
        _machines.Add(made);
        return Quirks.CreateHangs ? null
            : Quirks.ErrorThatMadeAMachine ? Error(500, "INTERNAL", "upstream did not answer")
            : VendorReply.Json(200, new JsonObject { ["id"] = made.Id, ["cloud_assigned_id"] = made.Id });
    }

    private VendorReply List()
    {
        var now = clock.GetUtcNow();
        var listed = _machines
            .Where(made => Exists(made) && now - made.CreatedAt >= TimeSpan.FromSeconds(Quirks.ListLagSeconds))
            .Select(made => (JsonNode)made.ToJson(now));
        return VendorReply.Json(200, new JsonObject { ["instances"] = new JsonArray([.. listed]) });
    }

    private VendorReply Delete(ShadeformMachine made)
    {
        made.DeletedAt ??= clock.GetUtcNow();
        return VendorReply.Empty(200);
    }

    private VendorReply Runtime(VendorRequest request, string ip, string port, string path)
    {
        var made = _machines.FirstOrDefault(made =>
            Exists(made) && made.Ip == ip && made.Port.ToString(CultureInfo.InvariantCulture) == port
        );
        return made is null || Quirks.PortNeverAnswers || !made.IsHealthyAt(clock.GetUtcNow())
            ? VendorReply.Text(502, "nothing listens")
            : StandInRuntime.Answer(request, path, made.RuntimeKey, made.Name);
    }

    private VendorReply With(string id, Func<ShadeformMachine, VendorReply> answer) =>
        _machines.FirstOrDefault(made => made.Id == id && Exists(made)) is { } found
            ? answer(found)
            : Error(404, "NOT_FOUND", "instance not found");

    private bool IsThere(string slot) => _machines.Count(made => Exists(made) && made.Slot == slot) < Capacity;

    private bool Exists(ShadeformMachine made) =>
        made.DeletedAt is not { } deletedAt
        || clock.GetUtcNow() - deletedAt < TimeSpan.FromSeconds(Quirks.DeleteSeconds);

    private static VendorReply Error(int status, string code, string words) =>
        VendorReply.Json(status, new JsonObject { ["error_code"] = code, ["message"] = words });
}

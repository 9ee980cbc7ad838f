using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Lambda;

/// <summary>Lambda's Cloud API v1 as its OpenAPI description says, with machines that start nothing.</summary>
public sealed class LambdaCloud(TimeProvider clock) : IVendorCloud
{
    /// <summary>Path of the runtimes; the vendor has an address for each machine.</summary>
    public const string RuntimePath = "/runtime/{ip}-{port}/";

    /// <summary>As the vendor documents; users wait 12 s.</summary>
    private static readonly TimeSpan LaunchEvery = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly List<LambdaMachine> _machines = [];
    private DateTimeOffset _lastCall;
    private DateTimeOffset _lastLaunch;

    /// <summary>The API key that it accepts.</summary>
    public string ApiKey { get; set; } = "secret_standin";

    /// <summary>Name of the account's only SSH key.</summary>
    public string SshKey { get; set; } = "standin";

    public LambdaQuirks Quirks { get; } = new();

    /// <summary>Machines of one type that there are.</summary>
    public int Capacity { get; set; } = 4;

    /// <summary>Least time between two calls.</summary>
    public TimeSpan CallEvery { get; set; } = TimeSpan.FromSeconds(0.3);

    /// <summary>Machines made, with those that are gone.</summary>
    public int Made { get; private set; }

    /// <summary>Calls that came too early.</summary>
    public int TooEarly { get; private set; }

    /// <summary>Machines that are not terminated, listed or not.</summary>
    public IReadOnlyList<LambdaMachine> Machines
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
                ["runtime", var runtime, ..] => Runtime(request, runtime),
                ["api", "v1", .. var rest] => Limited(request, rest),
                _ => Fault(404, "global/object-does-not-exist", "No such path."),
            };
        }
    }

    private VendorReply? Limited(VendorRequest request, string[] path)
    {
        if (Quirks.Banned)
        {
            return VendorReply.Text(403, "<html>The owner of this website has banned you temporarily</html>");
        }

        if (request.Bearer != ApiKey)
        {
            return Fault(401, "global/invalid-api-key", "API key was invalid, expired, or deleted.");
        }

        var now = clock.GetUtcNow();
        var isLaunch = path is ["instance-operations", "launch"];
        if (now - _lastCall < CallEvery || (isLaunch && now - _lastLaunch < LaunchEvery && CallEvery > TimeSpan.Zero))
        {
            TooEarly++;
            return VendorReply.Text(429, "Too many requests");
        }

        _lastCall = now;
        _lastLaunch = isLaunch ? now : _lastLaunch;
        return (request.Method, path) switch
        {
            ("GET", ["instance-types"]) => VendorReply.Json(200, LambdaTypes.Listing(HasCapacity, Quirks.TypesLie)),
            ("GET", ["instances"]) => VendorReply.Json(200, new JsonObject { ["data"] = Listed(now) }),
            ("GET", ["instances", var id]) => WithMachine(
                id,
                machine => VendorReply.Json(200, new JsonObject { ["data"] = machine.ToJson(now, Quirks) })
            ),
            ("POST", ["instance-operations", "launch"]) => Launch(request.Body),
            ("POST", ["instance-operations", "terminate"]) => Terminate(request.Body),
            _ => Fault(404, "global/object-does-not-exist", "No such path."),
        };
    }

    private VendorReply? Launch(string body)
    {
        var asked = Parse(body);
        if (FaultOf(asked) is { } fault)
        {
            return Fault(400, "global/invalid-parameters", fault);
        }

        if (Refusal(asked!) is { } refusal)
        {
            return refusal;
        }

        var machine = new LambdaMachine
        {
            Id = string.Create(CultureInfo.InvariantCulture, $"0920582c7ff041399e34823a0be6{++Made:0000}"),
            Ip = string.Create(CultureInfo.InvariantCulture, $"198.51.{Made / 250}.{1 + (Made % 250)}"),
            Asked = asked!,
            CreatedAt = clock.GetUtcNow(),
        };
        _machines.Add(machine);
        return Quirks.LaunchHangs ? null
            : Quirks.ErrorThatMadeAMachine ? Fault(500, "global/unknown", "An unknown error occurred.")
            : VendorReply.Json(
                200,
                new JsonObject { ["data"] = new JsonObject { ["instance_ids"] = new JsonArray(machine.Id) } }
            );
    }

    private string? FaultOf(JsonObject? asked) =>
        asked is null ? "The body is not an object."
        : asked["ssh_key_names"] is not JsonArray { Count: 1 } ? "Exactly one SSH key must be specified."
        : asked["ssh_key_names"]![0]!.GetValue<string>() != SshKey ? "The SSH key does not exist."
        : asked["quantity"] is not null && asked["quantity"]!.GetValue<int>() != 1 ? "quantity must be 1."
        : asked["name"]?.GetValue<string>().Length > 64 ? "name is longer than 64 characters."
        : asked["user_data"]?.GetValue<string>().Length >= 1 << 20 ? "user_data is longer than 1 MB."
        : LambdaTypes.Find(asked["instance_type_name"]?.GetValue<string>() ?? "") is null ? "No such instance type."
        : null;

    private VendorReply? Refusal(JsonObject asked)
    {
        var type = asked["instance_type_name"]!.GetValue<string>();
        var region = asked["region_name"]?.GetValue<string>() ?? "";
        return Quirks.LaunchFails ? Fault(500, "global/unknown", "An unknown error occurred.")
            : Quirks.AccountInactive ? Fault(403, "global/account-inactive", "Your account is inactive.")
            : Quirks.QuotaExceeded
                ? Fault(400, "global/quota-exceeded", "Quota exceeded.", "Contact support to raise it.")
            : Quirks.RegionGone ? Fault(400, "global/invalid-parameters", $"Region {region} does not exist.")
            : Quirks.ListedButNoCapacity || !HasCapacity(type) || !LambdaTypes.Find(type)!.Regions.Contains(region)
                ? Fault(
                    400,
                    "instance-operations/launch/insufficient-capacity",
                    "Not enough capacity to fulfill launch request.",
                    "Choose an instance type with more availability, or try again later."
                )
            : null;
    }

    private VendorReply Terminate(string body)
    {
        var id = Parse(body)?["instance_ids"]?[0]?.GetValue<string>();
        return WithMachine(
            id ?? "",
            machine =>
            {
                if (machine.TerminatedAt is not null)
                {
                    return Fault(500, "global/unknown", "An unknown error occurred.");
                }

                machine.TerminatedAt = clock.GetUtcNow();
                var json = machine.ToJson(clock.GetUtcNow(), Quirks);
                return VendorReply.Json(
                    200,
                    new JsonObject { ["data"] = new JsonObject { ["terminated_instances"] = new JsonArray(json) } }
                );
            }
        );
    }

    private VendorReply Runtime(VendorRequest request, string runtime)
    {
        var dash = runtime.LastIndexOf('-');
        var machine = dash < 0 ? null : _machines.FirstOrDefault(one => one.Ip == runtime[..dash] && Exists(one));
        if (machine is null || Quirks.PortNeverAnswers || !machine.IsHealthyAt(clock.GetUtcNow(), Quirks))
        {
            // The port is closed; over one server there is no other way to say so.
            return VendorReply.Text(502, "connection refused");
        }

        var path = "/" + string.Join('/', request.Path.Trim('/').Split('/').Skip(2));
        return StandInRuntime.Answer(request, path, machine.RuntimeKey, machine.Name);
    }

    private JsonArray Listed(DateTimeOffset now) =>
        new([
            .. _machines
                .Where(machine =>
                    Exists(machine) && now - machine.CreatedAt >= TimeSpan.FromSeconds(Quirks.ListLagSeconds)
                )
                .Select(machine => (JsonNode)machine.ToJson(now, Quirks)),
        ]);

    private VendorReply WithMachine(string id, Func<LambdaMachine, VendorReply> answer) =>
        _machines.FirstOrDefault(machine => machine.Id == id && Exists(machine)) is { } machine
            ? answer(machine)
            : Fault(404, "global/object-does-not-exist", "Specified instance does not exist.");

    private bool HasCapacity(string type) =>
        _machines.Count(machine => Exists(machine) && machine.Type == type) < Capacity;

    private bool Exists(LambdaMachine machine) =>
        machine.TerminatedAt is null || machine.StatusAt(clock.GetUtcNow(), Quirks) == "terminating";

    private static JsonObject? Parse(string body)
    {
        try
        {
            return JsonNode.Parse(body) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static VendorReply Fault(int status, string code, string message, string? suggestion = null) =>
        VendorReply.Json(
            status,
            new JsonObject
            {
                ["error"] = new JsonObject
                {
                    ["code"] = code,
                    ["message"] = message,
                    ["suggestion"] = suggestion,
                },
            }
        );
}

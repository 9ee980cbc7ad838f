using System.Globalization;
using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Vast;

/// <summary>Vast's API as the OpenAPI files of its documentation of 2026-08 say, with instances that start nothing.</summary>
public sealed class VastCloud(TimeProvider clock) : IVendorCloud
{
    /// <summary>Path of the runtimes; at the vendor they have addresses of their own.</summary>
    public const string RuntimePath = "/runtime/{ip}/{port}/";

    private const int PageSize = 25;

    private readonly Lock _lock = new();
    private readonly List<VastAsk> _market = [.. VastAsk.Market()];
    private readonly List<VastInstance> _instances = [];
    private readonly Dictionary<string, DateTimeOffset> _last = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (DateTimeOffset At, string Text)> _logs = new(StringComparer.Ordinal);
    private long _lastId = 700_000;

    /// <summary>The API key that it accepts.</summary>
    public string ApiKey { get; set; } = "vast_standin";

    public VastQuirks Quirks { get; } = new();

    /// <summary>Instances made, with those that are gone.</summary>
    public int Made { get; private set; }

    /// <summary>Calls that came earlier than documented.</summary>
    public int TooEarly { get; private set; }

    /// <summary>Address under which this server is reached, for the addresses of logs.</summary>
    public Uri Root { get; set; } = new("https://vast.test/");

    /// <summary>Instances that exist now, listed or not.</summary>
    public IReadOnlyList<VastInstance> Instances
    {
        get
        {
            lock (_lock)
            {
                return [.. _instances.Where(Exists)];
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

    /// <summary>Adds an instance that was made by hand, without a label.</summary>
    public void AddForeign()
    {
        lock (_lock)
        {
            Make(_market[^1], new JsonObject { ["image"] = "ubuntu" });
        }
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
                ["runtime", _, var port, .. var rest] => Runtime(request, port, "/" + string.Join('/', rest)),
                ["logs", var name] => _logs.TryGetValue(name, out var log) && clock.GetUtcNow() >= log.At
                    ? VendorReply.Text(200, log.Text)
                    : VendorReply.Text(403, "AccessDenied"),
                ["api", .. var rest] => Limited(request, rest),
                _ => VendorReply.Text(404, "Not Found"),
            };
        }
    }

    private VendorReply? Limited(VendorRequest request, string[] path)
    {
        if (request.Bearer != ApiKey)
        {
            return Error(401, "auth_error", "Invalid user key");
        }

        if (Quirks.TooManyRequests > 0)
        {
            Quirks.TooManyRequests--;
            return VendorReply.Text(429, "API requests too frequent endpoint threshold=4.5");
        }

        var (endpoint, seconds) = (request.Method, path) switch
        {
            ("PUT", ["v0", "asks", ..]) => ("create", 4.5),
            ("DELETE", _) => ("destroy", 3),
            ("GET", ["v1", ..]) => ("list", 1),
            _ => (string.Join('/', path), 0.0),
        };
        if (_last.TryGetValue(endpoint, out var last) && clock.GetUtcNow() - last < TimeSpan.FromSeconds(seconds))
        {
            TooEarly++;
            if (Quirks.MeasuresSpacing)
            {
                return VendorReply.Text(429, $"API requests too frequent endpoint threshold={seconds}");
            }
        }

        _last[endpoint] = clock.GetUtcNow();
        return Route(request, path);
    }

    private VendorReply? Route(VendorRequest request, string[] path) =>
        (request.Method, path) switch
        {
            ("POST", ["v0", "bundles"]) => Search(request.Body),
            ("PUT", ["v0", "asks", var ask]) => Create(ask, request.Body),
            ("GET", ["v1", "instances"]) => List(request),
            ("GET", ["v0", "instances", var id]) => VendorReply.Json(
                200,
                new JsonObject { ["instances"] = Find(id)?.ToJson(clock.GetUtcNow()) }
            ),
            ("DELETE", ["v0", "instances", var id]) => Destroy(id),
            ("PUT", ["v0", "instances", "request_logs", var id]) => Log(id, request.Body),
            _ => Error(404, "not_found", "no such path"),
        };

    private VendorReply Search(string body)
    {
        var asked = JsonNode.Parse(body)!.AsObject();
        var places = asked["geolocation"]?["in"]?.AsArray().Select(place => place!.GetValue<string>()).ToList();
        var found = _market
            .Where(ask => !IsRented(ask))
            .Where(ask =>
                places is null || places.Any(place => ask.Place?.EndsWith(place, StringComparison.Ordinal) == true)
            )
            .Take(asked["limit"]?.GetValue<int>() ?? 64)
            .Select(ask => (JsonNode)ask.ToJson())
            .ToList();
        if (Quirks.SearchLies)
        {
            found.Add(_market[0].ToJson());
            found.Add((_market[0] with { Id = 9001, Price = 0 }).ToJson());
            found.Add((_market[0] with { Id = 9002, Price = 1_000_000 }).ToJson());
            found.Add((_market[0] with { Id = 9003, Count = 100_000 }).ToJson());
        }

        return VendorReply.Json(200, new JsonObject { ["offers"] = new JsonArray([.. found]) });
    }

    private VendorReply? Create(string id, string body)
    {
        var asked = JsonNode.Parse(body)!.AsObject();
        var ask = _market.FirstOrDefault(ask => ask.Id.ToString(CultureInfo.InvariantCulture) == id);
        if (Refusal(ask, id, asked) is { } refusal)
        {
            return refusal;
        }

        var made = Make(ask!, asked);
        var isLow = asked["price"] is JsonValue price && price.GetValue<decimal>() < ask!.MinBid;
        if (Quirks.RefusalThatMadeAnInstance || isLow)
        {
            made.IsStopped = true;
            var words = Error(400, "invalid_price", "error 400/3701: bid is too low");
            var json = JsonNode.Parse(words.Body)!;
            json["new_contract"] = made.Id;
            return VendorReply.Json(400, json);
        }

        return Quirks.CreateHangs ? null
            : Quirks.ErrorThatMadeAnInstance ? VendorReply.Text(500, "Internal Server Error")
            : VendorReply.Json(200, new JsonObject { ["success"] = true, ["new_contract"] = made.Id });
    }

    private VendorReply? Refusal(VastAsk? ask, string id, JsonObject asked)
    {
        if (asked["image"] is null || asked["disk"]?.GetValue<decimal>() is null or < 8)
        {
            return Error(400, "invalid_args", "error 400/3467: Invalid args: 'image' and 'disk' are required");
        }

        if (Quirks.NoCredit)
        {
            return Error(400, "insufficient_credit", "Your account lacks credit; see the billing page.");
        }

        return ask is null || Quirks.AskIsGone || IsRented(ask)
            ? Error(404, "invalid_args", $"error 404/3603: no_such_ask Instance type by id {id} is not available.")
            : null;
    }

    private VastInstance Make(VastAsk ask, JsonObject asked)
    {
        Made++;
        var instance = new VastInstance
        {
            Id = ++_lastId,
            Asked = asked,
            Ask = ask,
            CreatedAt = clock.GetUtcNow(),
            Quirks = Quirks,
        };
        _instances.Add(instance);
        return instance;
    }

    private VendorReply List(VendorRequest request)
    {
        var now = clock.GetUtcNow();
        var after = long.TryParse(request.Asked("after_token"), CultureInfo.InvariantCulture, out var id) ? id : 0;
        var all = _instances
            .Where(instance =>
                Exists(instance) && now - instance.CreatedAt >= TimeSpan.FromSeconds(Quirks.ListLagSeconds)
            )
            .Where(instance => instance.Id > after)
            .ToList();
        var page = all.Take(PageSize).ToList();
        return VendorReply.Json(
            200,
            new JsonObject
            {
                ["success"] = true,
                ["instances"] = new JsonArray([.. page.Select(instance => (JsonNode)instance.ToJson(now))]),
                ["next_token"] = all.Count > PageSize ? page[^1].Id.ToString(CultureInfo.InvariantCulture) : null,
            }
        );
    }

    private VendorReply Destroy(string id)
    {
        if (Find(id) is not { } instance)
        {
            return Error(404, "no_such_instance", $"Instance {id} not found");
        }

        instance.DestroyedAt ??= clock.GetUtcNow();
        return VendorReply.Json(200, new JsonObject { ["success"] = true });
    }

    private VendorReply Log(string id, string body)
    {
        if (Find(id) is not { } instance)
        {
            return Error(404, "invalid_id", "Invalid instance id.");
        }

        var isDaemon = JsonNode.Parse(body)?["daemon_logs"]?.GetValue<string>() == "true";
        var name = $"{id}-{(isDaemon ? "daemon" : "container")}.log";
        // It is uploaded before it can be read.
        _logs[name] = (clock.GetUtcNow() + TimeSpan.FromSeconds(2), instance.Log(isDaemon));
        return VendorReply.Json(
            200,
            new JsonObject { ["success"] = true, ["result_url"] = new Uri(Root, $"logs/{name}").ToString() }
        );
    }

    private VendorReply Runtime(VendorRequest request, string port, string path)
    {
        var instance = _instances.FirstOrDefault(instance =>
            Exists(instance) && instance.Port.ToString(CultureInfo.InvariantCulture) == port
        );
        return instance is null || Quirks.PortNeverAnswers || !instance.IsHealthyAt(clock.GetUtcNow())
            ? VendorReply.Text(502, "nothing listens")
            : StandInRuntime.Answer(request, path, instance.RuntimeKey, instance.Label ?? "");
    }

    private bool IsRented(VastAsk ask) =>
        _instances.Any(instance => Exists(instance) && instance.Ask.Machine == ask.Machine);

    private VastInstance? Find(string id) =>
        _instances.FirstOrDefault(instance =>
            Exists(instance) && instance.Id.ToString(CultureInfo.InvariantCulture) == id
        );

    private bool Exists(VastInstance instance) =>
        instance.DestroyedAt is not { } destroyedAt
        || clock.GetUtcNow() - destroyedAt < TimeSpan.FromSeconds(Quirks.DestroySeconds);

    private static VendorReply Error(int status, string code, string words) =>
        VendorReply.Json(
            status,
            new JsonObject
            {
                ["success"] = false,
                ["error"] = code,
                ["msg"] = words,
            }
        );
}

using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.RunPod;

/// <summary>RunPod's REST API v2 as its OpenAPI description of 2026-08 says, with pods that start nothing.</summary>
public sealed class RunPodCloud(TimeProvider clock) : IVendorCloud
{
    /// <summary>Path of the runtimes; the vendor has a host name for each.</summary>
    public const string ProxyPath = "/proxy/{id}-{port}/";

    private readonly Lock _lock = new();
    private readonly List<RunPodPod> _pods = [];
    private DateTimeOffset _minute;
    private int _calls;

    /// <summary>The API key that it accepts.</summary>
    public string ApiKey { get; set; } = "rpa_standin";

    public RunPodQuirks Quirks { get; } = new();

    /// <summary>Calls that a minute permits.</summary>
    public int MinuteQuota { get; set; } = 600;

    /// <summary>Pods of one type that fit.</summary>
    public int Capacity { get; set; } = 8;

    /// <summary>Pods made, with those that are gone.</summary>
    public int Made { get; private set; }

    /// <summary>Pods that exist now, listed or not.</summary>
    public IReadOnlyList<RunPodPod> Pods
    {
        get
        {
            lock (_lock)
            {
                return [.. _pods.Where(Exists)];
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
            var parts = request.Path.Trim('/').Split('/', 4);
            return parts switch
            {
                ["quirks"] => QuirkSwitches.Answer(request, Quirks),
                ["proxy", var runtime, ..] => Proxy(request, runtime),
                ["v2", .. var rest] => Limited(request, rest),
                _ => Problem(404, "Not Found", "no such path"),
            };
        }
    }

    private VendorReply? Limited(VendorRequest request, string[] path)
    {
        if (request.Bearer != ApiKey)
        {
            return Problem(
                401,
                "Unauthorized",
                request.Bearer is null ? "missing bearer token" : "invalid bearer token"
            );
        }

        if (Quirks.BareTooManyRequests > 0)
        {
            Quirks.BareTooManyRequests--;
            return VendorReply.Text(429, "slow down");
        }

        var now = clock.GetUtcNow();
        if (now - _minute >= TimeSpan.FromMinutes(1))
        {
            (_minute, _calls) = (now, 0);
        }

        var resets = (int)Math.Ceiling((_minute + TimeSpan.FromMinutes(1) - now).TotalSeconds);
        var reply =
            ++_calls > MinuteQuota
                ? Problem(429, "Too Many Requests", "rate limit exceeded for the minute window")
                : Route(request, path);
        if (reply is not null)
        {
            reply.Headers["RateLimit-Policy"] = $"\"minute\";q={MinuteQuota};w=60";
            reply.Headers["RateLimit"] = $"\"minute\";r={Math.Max(0, MinuteQuota - _calls)};t={resets}";
            if (reply.Status == 429)
            {
                reply.Headers["Retry-After"] = resets.ToString(CultureInfo.InvariantCulture);
            }
        }

        return reply;
    }

    private VendorReply? Route(VendorRequest request, string[] path) =>
        (request.Method, path) switch
        {
            ("GET", ["catalog", "gpus"]) => Catalogue(request),
            ("GET", ["pods"]) => VendorReply.Json(200, new JsonObject { ["pods"] = Listed() }),
            ("POST", ["pods"]) => Create(request.Body),
            ("GET", ["pods", var id]) => WithPod(id, pod => VendorReply.Json(200, pod.ToJson(clock.GetUtcNow()))),
            ("DELETE", ["pods", var id]) => WithPod(id, Delete),
            ("GET", ["pods", var id, "logs"]) => WithPod(id, pod => Logs(pod, request.Asked("source"))),
            _ => Problem(404, "Not Found", "no such path"),
        };

    private VendorReply Catalogue(VendorRequest request)
    {
        if (request.Asked("include") != "AVAILABILITY" || request.Asked("product") != "POD")
        {
            return Problem(400, "Bad Request", "include=AVAILABILITY requires product");
        }

        var count = int.Parse(request.Asked("count") ?? "1", CultureInfo.InvariantCulture);
        var listing = RunPodCatalogue.ListingOf(
            request.Asked("cloud") ?? "SECURE",
            count,
            request.Asked("countryCodes"),
            gpu => Capacity - _pods.Count(pod => Exists(pod) && pod.GpuId == gpu),
            Quirks.CatalogueLies
        );
        return VendorReply.Json(200, listing);
    }

    private VendorReply? Create(string body)
    {
        JsonObject? asked;
        try
        {
            asked = JsonNode.Parse(body) as JsonObject;
        }
        catch (JsonException)
        {
            asked = null;
        }

        if (RunPodRules.FaultsOf(asked) is { Count: > 0 } faults)
        {
            return Problem(422, "Unprocessable Entity", "Request validation failed.", faults);
        }

        if (Refusal(asked!) is { } refusal)
        {
            return refusal;
        }

        var gpu = RunPodCatalogue.Find(asked!["gpu"]!["id"]!.GetValue<string>())!;
        var count = Quirks.GivesOneGpu ? 1 : asked["gpu"]!["count"]?.GetValue<int>() ?? 1;
        var price = asked["cloud"]?.GetValue<string>() == "COMMUNITY" ? gpu.Community : gpu.Secure;
        var pod = new RunPodPod
        {
            Id = string.Create(CultureInfo.InvariantCulture, $"pod{++Made:000000}"),
            Asked = asked,
            CreatedAt = clock.GetUtcNow(),
            GpuCount = count,
            Cost = price * count * (decimal)Quirks.CostFactor,
            ImagePullFails = Quirks.ImagePullFails,
        };
        _pods.Add(pod);
        return Quirks.CreateHangs ? null
            : Quirks.ErrorThatMadeAPod ? Problem(500, "Internal Server Error", "upstream did not answer")
            : VendorReply.Json(201, pod.ToJson(clock.GetUtcNow()));
    }

    private VendorReply? Refusal(JsonObject asked)
    {
        var gpu = asked["gpu"]!["id"]!.GetValue<string>();
        if (Quirks.BareTooManyCreates > 0)
        {
            Quirks.BareTooManyCreates--;
            return VendorReply.Text(429, "slow down");
        }

        if (Quirks.CreateFails)
        {
            return Problem(500, "Internal Server Error", "something broke");
        }

        if (Quirks.NoCredit)
        {
            return Problem(402, "Payment Required", "Your balance is too low to rent this pod. Please add credit.");
        }

        if (Quirks.PoolBarred)
        {
            return Problem(403, "Forbidden", "Your account cannot access the requested pool.");
        }

        if (RunPodCatalogue.Find(gpu) is null)
        {
            return Problem(400, "Bad Request", $"unknown GPU type {gpu}");
        }

        return Quirks.StockButNoCapacity || _pods.Count(pod => Exists(pod) && pod.GpuId == gpu) >= Capacity
            ? Problem(
                400,
                "Bad Request",
                "There are no longer any instances available with the requested specifications. Please refresh and try again."
            )
            : null;
    }

    private VendorReply Delete(RunPodPod pod)
    {
        pod.DeletedAt ??= clock.GetUtcNow();
        return VendorReply.Empty(204);
    }

    private VendorReply Logs(RunPodPod pod, string? source)
    {
        var now = clock.GetUtcNow();
        var text = new StringBuilder();
        foreach (var line in pod.LogAt(now, source ?? "container"))
        {
            var data = new JsonObject
            {
                ["ts"] = now.ToString("O", CultureInfo.InvariantCulture),
                ["source"] = source,
                ["line"] = line,
            };
            text.Append("id: ")
                .Append(now.ToUnixTimeSeconds())
                .Append("\ndata: ")
                .Append(data.ToJsonString())
                .Append("\n\n");
        }

        return new VendorReply(200, text.ToString(), "text/event-stream", StaysOpen: true);
    }

    private VendorReply Proxy(VendorRequest request, string runtime)
    {
        var dash = runtime.LastIndexOf('-');
        var pod = dash < 0 ? null : _pods.FirstOrDefault(pod => pod.Id == runtime[..dash] && Exists(pod));
        if (pod is null || runtime[(dash + 1)..] != "8000")
        {
            return VendorReply.Text(404, "no such pod");
        }

        if (Quirks.PortNeverAnswers || !pod.IsHealthyAt(clock.GetUtcNow()))
        {
            return VendorReply.Text(502, "Bad Gateway");
        }

        var path = "/" + string.Join('/', request.Path.Trim('/').Split('/').Skip(2));
        return StandInRuntime.Answer(request, path, pod.RuntimeKey, pod.Name);
    }

    private JsonArray Listed()
    {
        var now = clock.GetUtcNow();
        return new JsonArray([
            .. _pods
                .Where(pod => Exists(pod) && now - pod.CreatedAt >= TimeSpan.FromSeconds(Quirks.ListLagSeconds))
                .Select(pod => (JsonNode)pod.ToJson(now)),
        ]);
    }

    private VendorReply WithPod(string id, Func<RunPodPod, VendorReply> answer) =>
        _pods.FirstOrDefault(pod => pod.Id == id && Exists(pod)) is { } pod
            ? answer(pod)
            : Problem(404, "Not Found", "pod not found");

    private bool Exists(RunPodPod pod) =>
        pod.DeletedAt is not { } deletedAt
        || clock.GetUtcNow() - deletedAt < TimeSpan.FromSeconds(Quirks.DeleteSeconds);

    private static VendorReply Problem(int status, string title, string detail, IReadOnlyList<string>? errors = null)
    {
        var body = new JsonObject
        {
            ["title"] = title,
            ["status"] = status,
            ["detail"] = detail,
        };
        if (errors is not null)
        {
            body["errors"] = new JsonArray([.. errors.Select(error => (JsonNode)error)]);
        }

        return VendorReply.Json(status, body, "application/problem+json");
    }
}

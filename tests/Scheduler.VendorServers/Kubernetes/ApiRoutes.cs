using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>The paths of the API server for the resources that an adapter needs.</summary>
internal sealed class ApiRoutes(
    ApiStore store,
    KubernetesQuirks quirks,
    PodLogs logs,
    TimeProvider clock,
    Func<string> token
)
{
    private static readonly Dictionary<string, string> Kinds = new(StringComparer.Ordinal)
    {
        ["nodes"] = "Node",
        ["pods"] = "Pod",
        ["secrets"] = "Secret",
        ["configmaps"] = "ConfigMap",
        ["services"] = "Service",
        ["events"] = "Event",
    };

    /// <summary>Bodies of all creates and deletes, oldest first: tests compare what an adapter sends.</summary>
    internal List<(string Call, JsonObject Body)> Recorded { get; } = [];

    internal void MapTo(IEndpointRouteBuilder app)
    {
        Map(app, "GET", "/api/v1/{resource}", ListAsync);
        Map(app, "GET", "/api/v1/namespaces/{ns}/{resource}", ListAsync);
        Map(app, "POST", "/api/v1/namespaces/{ns}/{resource}", CreateAsync);
        Map(app, "GET", "/api/v1/namespaces/{ns}/{resource}/{name}", GetAsync);
        Map(app, "PATCH", "/api/v1/namespaces/{ns}/{resource}/{name}", PatchAsync);
        Map(app, "DELETE", "/api/v1/namespaces/{ns}/{resource}/{name}", DeleteAsync);
        Map(app, "GET", "/api/v1/namespaces/{ns}/pods/{name}/log", LogAsync);
    }

    private void Map(IEndpointRouteBuilder app, string method, string path, Func<HttpContext, Task> handle) =>
        app.MapMethods(path, [method], (RequestDelegate)(context => AnswerAsync(context, handle)));

    private async Task AnswerAsync(HttpContext context, Func<HttpContext, Task> handle)
    {
        try
        {
            Admit(context);
            await handle(context);
        }
        catch (ApiError error) when (!context.Response.HasStarted)
        {
            if (error.Code == StatusCodes.Status429TooManyRequests)
            {
                context.Response.Headers.RetryAfter = "1";
            }

            await WriteAsync(context, error.Code, error.Status());
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client went away.
        }
    }

    private void Admit(HttpContext context)
    {
        if (context.Request.Headers.Authorization != "Bearer " + token())
        {
            throw new ApiError(401, "Unauthorized", "Unauthorized");
        }

        lock (quirks)
        {
            if (quirks.Throttled > 0)
            {
                quirks.Throttled--;
                throw new ApiError(429, "TooManyRequests", "Too many requests, please try again later.");
            }
        }

        if (ResourceOf(context) is { } resource && !Kinds.ContainsKey(resource))
        {
            throw new ApiError(404, "NotFound", "the server could not find the requested resource");
        }
    }

    private async Task ListAsync(HttpContext context)
    {
        var (resource, ns) = (ResourceOf(context)!, NamespaceOf(context));
        var query = context.Request.Query;
        if (query["watch"] == "true" || query["watch"] == "True")
        {
            await new ApiWatch(store, quirks, clock).ServeAsync(context, resource, ns);
            return;
        }

        var (items, version) = store.List(resource, ns);
        items = items.FindAll(item => ApiSelectors.Matches(item, query["labelSelector"], query["fieldSelector"]));
        var (from, at) = ContinuedAt(query["continue"], version);
        var page = items.Skip(from).ToList();
        var limit = int.TryParse(query["limit"], CultureInfo.InvariantCulture, out var asked) ? asked : int.MaxValue;
        limit = quirks.MaxChunk > 0 ? Math.Min(limit, quirks.MaxChunk) : limit;
        var meta = new JsonObject { ["resourceVersion"] = at.ToString(CultureInfo.InvariantCulture) };
        if (page.Count > limit)
        {
            page = page[..limit];
            meta["continue"] = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{at}:{from + limit}"));
        }

        await WriteAsync(
            context,
            200,
            new JsonObject
            {
                ["kind"] = Kinds[resource] + "List",
                ["apiVersion"] = "v1",
                ["metadata"] = meta,
                ["items"] = new JsonArray([.. page]),
            }
        );
    }

    private (int From, long Version) ContinuedAt(string? continued, long version)
    {
        if (string.IsNullOrEmpty(continued))
        {
            return (0, version);
        }

        if (quirks.ContinuesExpired > 0)
        {
            quirks.ContinuesExpired--;
            throw new ApiError(
                410,
                "Expired",
                "The provided continue parameter is too old to display a consistent list result."
            );
        }

        var parts = Encoding.UTF8.GetString(Convert.FromBase64String(continued)).Split(':');
        return (int.Parse(parts[1], CultureInfo.InvariantCulture), long.Parse(parts[0], CultureInfo.InvariantCulture));
    }

    private async Task CreateAsync(HttpContext context)
    {
        var (resource, ns) = (ResourceOf(context)!, NamespaceOf(context)!);
        var item = await BodyAsync(context) ?? throw new ApiError(400, "BadRequest", "the request has no body");
        Record($"create {resource}", item);
        item["kind"] = Kinds[resource];
        item["apiVersion"] = "v1";
        if (resource == "pods")
        {
            PodDefaults.Apply(item, quirks);
        }
        else if (resource == "services")
        {
            PodDefaults.OpenPort(item, (int)(30_000 + (store.Version % 2_768)));
        }

        var made = store.Create(resource, ns, item);
        var isCut = false;
        lock (quirks)
        {
            isCut = resource == "pods" && quirks.CreatesCut > 0 && quirks.CreatesCut-- > 0;
        }

        if (isCut)
        {
            context.Abort();
            return;
        }

        await WriteAsync(context, 201, made);
    }

    private Task GetAsync(HttpContext context) =>
        WriteAsync(context, 200, store.Get(ResourceOf(context)!, NamespaceOf(context)!, NameOf(context)));

    private async Task PatchAsync(HttpContext context)
    {
        var (resource, ns, name) = (ResourceOf(context)!, NamespaceOf(context)!, NameOf(context));
        if (context.Request.ContentType?.StartsWith("application/merge-patch+json", StringComparison.Ordinal) != true)
        {
            throw new ApiError(415, "UnsupportedMediaType", "only merge patches are served here");
        }

        var patch = await BodyAsync(context) ?? [];
        var after =
            store.Change(resource, ns, name, item => Merge(item, patch)) ?? throw ApiError.NotFound(resource, name);
        await WriteAsync(context, 200, after);
    }

    private async Task DeleteAsync(HttpContext context)
    {
        var (resource, ns, name) = (ResourceOf(context)!, NamespaceOf(context)!, NameOf(context));
        var options = await BodyAsync(context) ?? [];
        Record($"delete {resource}", options);
        var item = store.Get(resource, ns, name);
        if (options.Text("preconditions", "uid") is { } uid && uid != item.Uid())
        {
            throw ApiError.WrongUid(name, uid, item.Uid());
        }

        var isGraceful =
            resource == "pods"
            && item.Text("spec", "nodeName") is not null
            && item.Text("status", "phase") is not ("Failed" or "Succeeded");
        if (isGraceful)
        {
            PodEnd.Ask(store, item, options.Text("gracePeriodSeconds"), clock.GetUtcNow());
        }
        else
        {
            store.Remove(resource, ns, name);
        }

        await WriteAsync(context, 200, store.Find(resource, ns, name) ?? item);
    }

    private async Task LogAsync(HttpContext context)
    {
        var (ns, name) = (NamespaceOf(context)!, NameOf(context));
        var pod = store.Get("pods", ns, name);
        if (
            pod.Items("status", "containerStatuses").FirstOrDefault() is not { } container
            || container.At("state", "waiting") is not null
        )
        {
            throw new ApiError(
                400,
                "BadRequest",
                $"container \"runtime\" in pod \"{name}\" is waiting to start: ContainerCreating"
            );
        }

        context.Response.ContentType = "text/plain";
        await context.Response.WriteAsync(
            logs.Tail(
                pod.Uid(),
                int.TryParse(context.Request.Query["tailLines"], CultureInfo.InvariantCulture, out var lines)
                    ? lines
                    : null
            ),
            context.RequestAborted
        );
    }

    private void Record(string call, JsonObject body)
    {
        lock (Recorded)
        {
            Recorded.Add((call, (JsonObject)body.DeepClone()));
        }
    }

    private static void Merge(JsonObject into, JsonObject patch)
    {
        foreach (var (member, value) in patch)
        {
            if (value is JsonObject inner)
            {
                Merge(into.Within(member), inner);
            }
            else if (value is null)
            {
                into.Remove(member);
            }
            else
            {
                into[member] = value.DeepClone();
            }
        }
    }

    private static async Task<JsonObject?> BodyAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var text = await reader.ReadToEndAsync(context.RequestAborted);
        return text.Length == 0 ? null : JsonNode.Parse(text) as JsonObject;
    }

    internal static Task WriteAsync(HttpContext context, int code, JsonNode body)
    {
        context.Response.StatusCode = code;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body.ToJsonString(JsonSerializerOptions.Default), context.RequestAborted);
    }

    private static string? ResourceOf(HttpContext context) =>
        context.GetRouteValue("resource") as string ?? (context.GetRouteValue("name") is null ? null : "pods");

    private static string? NamespaceOf(HttpContext context) =>
        context.GetRouteValue("ns") as string ?? (ResourceOf(context) == "nodes" ? "" : null);

    private static string NameOf(HttpContext context) => (string)context.GetRouteValue("name")!;
}

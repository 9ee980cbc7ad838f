using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.AspNetCore.Routing.Template;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Edge;
using Scheduler.Edge.Limits;
using Scheduler.Edge.Requests;

namespace Scheduler.Inference.Gateway;

/// <summary>
/// The paths of OpenAI and Anthropic. Every other path under <c>/v1</c> that is not the API's is refused in OpenAI's form of errors, which
/// OpenAI's clients can show.
/// </summary>
internal static class OpenAiPaths
{
    private const string ListPath = "/v1/models";

    private static readonly string Served = string.Join(
        ", ",
        RequestKinds.Paths.Values.Select(path => $"POST {path}").Order(StringComparer.Ordinal)
    );

    public static void MapTo(IEndpointRouteBuilder endpoints)
    {
        foreach (var (kind, path) in RequestKinds.Paths)
        {
            Map(
                endpoints,
                RoutePatternFactory.Parse(path),
                "POST",
                kind.Errors(),
                http => http.RequestServices.GetRequiredService<RequestPath>().HandleAsync(http, kind)
            );
        }

        Map(
            endpoints,
            RoutePatternFactory.Parse(ListPath),
            "GET, HEAD",
            OpenAiErrors.Shape,
            http => http.RequestServices.GetRequiredService<ModelList>().ListAsync(http)
        );
        Map(
            endpoints,
            RoutePatternFactory.Parse($"{ListPath}/{{**model}}"),
            "GET, HEAD",
            OpenAiErrors.Shape,
            http =>
                http.RequestServices.GetRequiredService<ModelList>()
                    .GetAsync(http, http.GetRouteValue("model") as string ?? "")
        );

        MapRefused(
            endpoints,
            "/v1/responses/{**rest}",
            RequestKind.Responses.Errors(),
            "No response is stored here, so none can be read, cancelled or deleted. Send the whole conversation as input."
        );
        MapRefused(
            endpoints,
            "/v1/messages/{**rest}",
            RequestKind.Messages.Errors(),
            "Nothing is served at this path. Batches are not stored here: send each message to POST /v1/messages."
        );

        // Read at the first request, when all endpoints are mapped.
        var api = new Lazy<List<RouteEndpoint>>(() => ApiOf(endpoints));
        endpoints
            .Map(RoutePatternFactory.Parse("/v1/{**path}"), http => RefuseAsync(http, api.Value))
            .WithMetadata(OpenAiErrors.Shape, new OpenAiMark());
    }

    /// <summary>
    /// Answers a path or method that nothing serves. A path whose first segment is one of the API gets its errors in the API's form.
    /// </summary>
    private static async Task RefuseAsync(HttpContext http, List<RouteEndpoint> api)
    {
        var first = (http.GetRouteValue("path") as string ?? "").Split('/', ':')[0];
        if (api.Exists(one => string.Equals(FirstOf(one), first, StringComparison.OrdinalIgnoreCase)))
        {
            var methods = MethodsOf(http.Request.Path, api);
            http.SetEndpoint(null);
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            if (methods.Length > 0)
            {
                http.Response.Headers.Allow = methods;
                http.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            }

            return;
        }

        http.Scope().Notes.Plane = Planes.Inference;
        Prepare(http, OpenAiErrors.Shape);
        using var admitted = await IdentifyAsync(http);
        throw new ApiException(
            ApiError.OfHttpStatus(StatusCodes.Status404NotFound, "this path") with
            {
                Message = $"Nothing is served at this path. Served are: GET {ListPath}, {Served}.",
            }
        );
    }

    private static void Map(
        IEndpointRouteBuilder endpoints,
        RoutePattern pattern,
        string methods,
        ClientErrors errors,
        RequestDelegate answer
    ) =>
        endpoints
            .Map(
                pattern,
                async http =>
                {
                    var crossOrigin = http.RequestServices.GetRequiredService<CrossOrigin>();
                    if (crossOrigin.AnswersPreflight(http, methods))
                    {
                        return;
                    }

                    crossOrigin.Apply(http);
                    http.Scope().Notes.Plane = Planes.Inference;
                    Prepare(http, errors);
                    if (methods.Split(", ").Contains(http.Request.Method, StringComparer.Ordinal))
                    {
                        await answer(http);
                        return;
                    }

                    using var admitted = await IdentifyAsync(http);

                    // The error is written by the middleware, which keeps this header.
                    http.Response.Headers.Allow = methods;
                    http.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
                }
            )
            .WithMetadata(errors, new OpenAiMark());

    /// <summary>Anthropic's clients send the key in a header of their own, and read the request id from one.</summary>
    private static void Prepare(HttpContext http, ClientErrors errors)
    {
        const string keyHeader = "x-api-key";
        if (http.Request.Headers.Authorization.Count == 0 && http.Request.Headers[keyHeader] is { Count: > 0 } keys)
        {
            http.Request.Headers.Authorization = new([.. keys.Select(key => $"Bearer {key}")]);
        }

        if (errors.RequestIdHeader is { } header)
        {
            http.Response.OnStarting(
                static state =>
                {
                    var (http, header) = ((HttpContext, string))state;
                    http.Response.Headers[header] = http.Scope().Id.Value;
                    return Task.CompletedTask;
                },
                (http, header)
            );
        }
    }

    /// <summary>Maps the paths of objects that a vendor stores and this gateway does not.</summary>
    private static void MapRefused(IEndpointRouteBuilder endpoints, string pattern, ClientErrors errors, string why) =>
        endpoints
            .Map(
                RoutePatternFactory.Parse(pattern),
                async http =>
                {
                    http.RequestServices.GetRequiredService<CrossOrigin>().Apply(http);
                    http.Scope().Notes.Plane = Planes.Inference;
                    Prepare(http, errors);
                    using var admitted = await IdentifyAsync(http);
                    throw new ApiException(
                        ApiError.OfHttpStatus(StatusCodes.Status404NotFound, "this path") with
                        {
                            Message = why,
                        }
                    );
                }
            )
            .WithMetadata(errors, new OpenAiMark());

    /// <summary>Finds out who sent a request that is refused anyway, so that the caller can look it up.</summary>
    /// <returns>Null without a key.</returns>
    /// <exception cref="ApiException">The key is wrong, or a limit is reached.</exception>
    private static async ValueTask<RequestLease?> IdentifyAsync(HttpContext http) =>
        http.Request.Headers.Authorization.Count == 0
            ? null
            : await http
                .RequestServices.GetRequiredKeyedService<RequestAdmission>(InferenceSetup.AdmissionKey)
                .AdmitAsync(http, new RequestLoad(IsStream: false, 1), changes: false);

    /// <summary>The API's endpoints under <c>/v1</c>.</summary>
    private static List<RouteEndpoint> ApiOf(IEndpointRouteBuilder endpoints) =>
        [
            .. endpoints
                .DataSources.SelectMany(source => source.Endpoints)
                .OfType<RouteEndpoint>()
                .Where(endpoint =>
                    endpoint.Metadata.GetMetadata<OpenAiMark>() is null && FirstOf(endpoint) is not null
                ),
        ];

    /// <summary>The first segment of a path under <c>/v1</c>; null for another path.</summary>
    private static string? FirstOf(RouteEndpoint endpoint) =>
        endpoint.RoutePattern.PathSegments is [var version, var first, ..] && TextOf(version) == "v1"
            ? TextOf(first)
            : null;

    private static string? TextOf(RoutePatternPathSegment segment) =>
        segment.Parts is [RoutePatternLiteralPart literal] ? literal.Content : null;

    /// <summary>Methods that the API takes at a path, comma-separated; empty for none.</summary>
    private static string MethodsOf(PathString path, List<RouteEndpoint> api) =>
        string.Join(
            ", ",
            api.Where(one => IsAt(one, path))
                .SelectMany(one => one.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? [])
                .Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal)
        );

    private static bool IsAt(RouteEndpoint endpoint, PathString path) =>
        new TemplateMatcher(new RouteTemplate(endpoint.RoutePattern), new RouteValueDictionary()).TryMatch(
            path,
            new RouteValueDictionary()
        );

    /// <summary>Marks an endpoint of this class.</summary>
    private sealed class OpenAiMark;
}

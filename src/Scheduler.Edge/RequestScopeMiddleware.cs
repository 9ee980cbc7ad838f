using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Requests;
using Scheduler.Edge.Requests;

namespace Scheduler.Edge;

/// <summary>
/// First middleware of the pipeline. It assigns the request id and passes it to the response, the log scope and the
/// grains. It also writes every unhandled error in the common format.
/// </summary>
/// <remarks>
/// Kestrel itself answers errors that occur before there is a request: a malformed request line, headers over the
/// limit.
/// </remarks>
internal sealed partial class RequestScopeMiddleware(
    RequestDelegate next,
    IErrorShape ownShape,
    RequestLog log,
    TimeProvider clock,
    ILogger<RequestScopeMiddleware> logger
)
{
    private const int ClientClosedRequest = 499;

    public async Task InvokeAsync(HttpContext http)
    {
        var (at, began) = (clock.GetUtcNow(), clock.GetTimestamp());
        var given = http.Request.Headers[RequestScope.IdHeader];
        given = given.Count > 0 ? given : http.Request.Headers[RequestScope.ClientIdHeader];
        var scope = RequestScope.Of(given.Count == 1 ? given[0] : null);
        http.Features.Set(scope);
        http.TraceIdentifier = scope.Id.Value;
        http.Response.OnStarting(Stamp, http);
        RequestContext.Set("x-request-id", scope.Id.Value);
        if (scope.CorrelationId is { } correlation)
        {
            RequestContext.Set("x-correlation-id", correlation);
        }

        using (logger.BeginScope(scope))
        {
            try
            {
                await AnswerAsync(http);
            }
            finally
            {
                Keep(http, scope, at, clock.GetElapsedTime(began));
            }
        }
    }

    /// <summary>
    /// Keeps what happened. Pages, files and probes that were answered well are no requests that anybody looks for.
    /// </summary>
    private void Keep(HttpContext http, RequestScope scope, DateTimeOffset at, TimeSpan took)
    {
        var notes = scope.Notes;
        var isPlain =
            notes.Plane is null || (notes.Plane is Planes.Dashboard && HttpMethods.IsGet(http.Request.Method));
        if (notes.Code is null && isPlain)
        {
            return;
        }

        log.Add(
            new AnsweredRequest
            {
                Id = scope.Id,
                CorrelationId = scope.CorrelationId,
                Account = notes.Account ?? scope.Caller?.Account,
                KeyId = scope.Caller?.KeyId,
                At = at,
                Plane = notes.Plane ?? Planes.None,
                What = notes.What ?? WhatOf(http),
                Status = scope.HttpStatus ?? http.Response.StatusCode,
                Code = notes.Code ?? AnsweredRequest.Ok,
                ServingName = notes.ServingName,
                Resource = notes.Resource,
                Attempts = [.. notes.Attempts],
                Queued = notes.Queued,
                Judged = notes.Judged,
                FirstByte = notes.FirstByte,
                LastByte = notes.LastByte,
                Took = took,
                PromptTokens = notes.PromptTokens,
                CompletionTokens = notes.CompletionTokens,
            }
        );
    }

    /// <summary>The pattern, because a path as it was sent may contain anything.</summary>
    private static string WhatOf(HttpContext http)
    {
        var method = http.Request.Method is { Length: <= 7 } known && known.All(char.IsAsciiLetterUpper) ? known : "?";
        return http.GetEndpoint() is RouteEndpoint { RoutePattern.RawText: { } pattern }
            ? $"{method} {pattern}"
            : $"{method} (no such path)";
    }

    private static Task Stamp(object state)
    {
        var http = (HttpContext)state;
        var scope = http.Scope();
        var response = http.Response;
        response.Headers[RequestScope.IdHeader] = scope.Id.Value;
        if (http.Request.Path.StartsWithSegments("/v1", StringComparison.OrdinalIgnoreCase))
        {
            // Answers belong to one account, and some show a secret.
            response.Headers.CacheControl = "no-store";
        }

        if (scope.CorrelationId is { } correlation)
        {
            response.Headers[RequestScope.CorrelationHeader] = correlation;
        }

        if (scope.Rate is { } rate)
        {
            rate.WriteTo(response.Headers);
        }

        if (response.StatusCode >= StatusCodes.Status400BadRequest)
        {
            response.StatusCode = scope.HttpStatus ?? response.StatusCode;
            if (scope.RetryAfter is { } after)
            {
                response.Headers.RetryAfter = after.WholeSeconds();
            }
        }

        return Task.CompletedTask;
    }

    private async Task AnswerAsync(HttpContext http)
    {
        try
        {
            await next(http);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            if (!http.Response.HasStarted)
            {
                http.Response.StatusCode = ClientClosedRequest;
            }

            // An open page always ends like this.
            if (http.Scope().Notes is { Plane: not Planes.Dashboard } notes)
            {
                notes.Code ??= ApiErrorCodes.Cancelled;
            }

            return;
        }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            http.Response.Clear();
            await WriteAsync(http, ErrorOf(e, http));
            return;
        }

        if (http.Response is { HasStarted: false, StatusCode: >= 400, ContentLength: null, ContentType: null })
        {
            await WriteAsync(http, ApiError.OfHttpStatus(http.Response.StatusCode, http.Request.Path));
        }
    }

    private Task WriteAsync(HttpContext http, ApiError error)
    {
        EdgeMetrics.RecordReason(http, error);
        var scope = http.Scope();
        scope.HttpStatus = null;
        scope.RetryAfter = error.RetryAfter;
        if (error.HttpStatus == StatusCodes.Status401Unauthorized)
        {
            http.Response.Headers.WWWAuthenticate = "Bearer";
        }

        var shape = http.GetEndpoint()?.Metadata.GetMetadata<IErrorShape>() ?? ownShape;
        return shape.WriteAsync(http, error, scope);
    }

    private ApiError ErrorOf(Exception exception, HttpContext http)
    {
        switch (exception)
        {
            case ApiException known:
                return known.Error;
            case BadHttpRequestException bad:
                return ApiError.OfHttpStatus(bad.StatusCode, http.Request.Path);
            default:
                if (ExceptionMapping.Find(exception) is { } error)
                {
                    LogUnavailable(exception, http.Request.Path);
                    return error;
                }

                LogUnhandled(exception, http.Request.Path);
                return ApiError.Internal();
        }
    }

    [LoggerMessage(3201, LogLevel.Error, "Request to {Path} failed; the response is 500")]
    private partial void LogUnhandled(Exception exception, string path);

    [LoggerMessage(3202, LogLevel.Warning, "Request to {Path} failed temporarily; the response is 503")]
    private partial void LogUnavailable(Exception exception, string path);
}

/// <summary>
/// Writes an error that no handler answered. The middleware uses the instance in the endpoint's metadata, or the
/// registered service if there is none.
/// </summary>
internal interface IErrorShape
{
    /// <summary>Writes the error as the whole response, which has not started.</summary>
    Task WriteAsync(HttpContext http, ApiError error, RequestScope scope);
}

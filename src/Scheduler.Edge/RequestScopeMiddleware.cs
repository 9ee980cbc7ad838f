using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

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
    ILogger<RequestScopeMiddleware> logger
)
{
    private const int ClientClosedRequest = 499;

    public async Task InvokeAsync(HttpContext http)
    {
        var given = http.Request.Headers[RequestScope.IdHeader];
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
            await AnswerAsync(http);
        }
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

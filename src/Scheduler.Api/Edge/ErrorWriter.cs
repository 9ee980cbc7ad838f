using System.Globalization;
using System.Text;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;

namespace Scheduler.Api.Edge;

/// <summary>Answers an error before any service was reached, in the form of the request's transport.</summary>
internal static class ErrorWriter
{
    private static readonly JsonFormatter Json = new(
        JsonFormatter.Settings.Default.WithTypeRegistry(ErrorStatus.Types).WithFormatDefaultValues(true)
    );

    public static bool IsGrpc(HttpRequest request) =>
        request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true;

    public static Task WriteAsync(HttpContext http, ApiError error)
    {
        EdgeMetrics.Note(http, error);
        var scope = http.Scope();
        scope.HttpStatus = null;
        scope.RetryAfter = error.RetryAfter;
        return IsGrpc(http.Request) ? WriteGrpcAsync(http, error, scope) : WriteJsonAsync(http, error, scope);
    }

    /// <summary>Leaves out what default values would say, the same as transcoding does: its shape is <c>{code,message,details}</c>.</summary>
    private static Task WriteJsonAsync(HttpContext http, ApiError error, RequestScope scope)
    {
        http.Response.StatusCode = error.HttpStatus;
        http.Response.ContentType = "application/json; charset=utf-8";
        if (error.HttpStatus == StatusCodes.Status401Unauthorized)
        {
            http.Response.Headers.WWWAuthenticate = "Bearer";
        }

        return http.Response.WriteAsync(Json.Format(ErrorStatus.Of(error, scope)), Encoding.UTF8, http.RequestAborted);
    }

    /// <summary>A trailers-only answer: the status is in the headers and there is no body.</summary>
    private static Task WriteGrpcAsync(HttpContext http, ApiError error, RequestScope scope)
    {
        var response = http.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = ((int)error.Code).ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = Uri.EscapeDataString(error.Message);
        if (error.RetryAfter is { } after)
        {
            response.Headers.RetryAfter = after.WholeSeconds();
        }

        response.Headers["grpc-status-details-bin"] = ErrorStatus
            .Of(error, scope)
            .ToByteString()
            .ToBase64()
            .TrimEnd('=');
        return response.CompleteAsync();
    }
}

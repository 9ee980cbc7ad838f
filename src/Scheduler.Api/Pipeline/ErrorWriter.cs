using System.Globalization;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Scheduler.Edge;

namespace Scheduler.Api.Pipeline;

/// <summary>
/// Writes an error that occurred before a service was reached, in the format of the request's transport.
/// </summary>
internal sealed class ErrorWriter : IErrorShape
{
    private static readonly JsonFormatter Json = new(
        JsonFormatter.Settings.Default.WithTypeRegistry(ErrorStatus.Types).WithFormatDefaultValues(true)
    );

    public Task WriteAsync(HttpContext http, ApiError error, RequestScope scope)
    {
        if (!IsGrpc(http.Request))
        {
            return WriteJsonAsync(http, error, scope);
        }

        var isNoMethod = error.HttpStatus == StatusCodes.Status404NotFound && http.GetEndpoint() is null;
        return WriteGrpcAsync(http, isNoMethod ? error with { Code = StatusCode.Unimplemented } : error, scope);
    }

    private static bool IsGrpc(HttpRequest request) =>
        request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>Writes <c>{code,message,details}</c>, the same as transcoding does.</summary>
    private static Task WriteJsonAsync(HttpContext http, ApiError error, RequestScope scope)
    {
        http.Response.StatusCode = error.HttpStatus;
        http.Response.ContentType = "application/json; charset=utf-8";
        return http.Response.WriteAsync(Json.Format(ErrorStatus.Of(error, scope)), Encoding.UTF8, http.RequestAborted);
    }

    /// <summary>A trailers-only response: the status is in the headers and there is no body.</summary>
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

        response.Headers[ErrorStatus.DetailsTrailer] = ErrorStatus
            .Of(error, scope)
            .ToByteString()
            .ToBase64()
            .TrimEnd('=');
        return response.CompleteAsync();
    }
}

using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Scheduler.Edge;
using Scheduler.Grains;

namespace Scheduler.Inference.Gateway;

/// <summary>Reads the whole body, within a limit: the members the gateway needs can be anywhere.</summary>
internal static class RequestBody
{
    /// <summary>Copies of a body in memory: the received one, and the edited one for the runtime.</summary>
    private const int Times = 2;

    /// <param name="limit">Longest body, bytes.</param>
    /// <exception cref="ApiException">The body is too long or not plain JSON, or memory is short.</exception>
    public static async ValueTask<Memory<byte>> ReadAsync(HttpContext http, RequestKind kind, int limit)
    {
        if (kind.TakesForm() && !http.Request.HasFormContentType)
        {
            throw new ApiException(ApiError.Invalid([new FieldFault("body", "Must be multipart/form-data.")]));
        }

        if (!kind.TakesForm() && !IsPlainJson(http.Request))
        {
            throw new ApiException(ApiError.OfHttpStatus(StatusCodes.Status415UnsupportedMediaType, http.Request.Path));
        }

        return await BodyBytes.ReadAsync(http, limit, Times);
    }

    private static bool IsPlainJson(HttpRequest request) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
        && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
        && IsUtf8(type.Charset)
        && request.Headers.ContentEncoding.All(IsPlain);

    /// <summary>A quoted value means the same (RFC 9110, section 5.6.6). ASCII is UTF-8 too.</summary>
    private static bool IsUtf8(Microsoft.Extensions.Primitives.StringSegment charset)
    {
        var name = HeaderUtilities.UnescapeAsQuotedString(charset);
        return name.Length == 0
            || name.Equals("utf-8", StringComparison.OrdinalIgnoreCase)
            || name.Equals("us-ascii", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Whether a list of content codings changes nothing (RFC 9110, section 8.4).</summary>
    private static bool IsPlain(string? codings) =>
        (codings ?? "")
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .All(coding => coding.Equals("identity", StringComparison.OrdinalIgnoreCase));
}

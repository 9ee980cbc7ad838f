using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Scheduler.Edge;

namespace Scheduler.Inference.Gateway;

/// <summary>Reads the whole body, within a limit: the members the gateway needs can be anywhere.</summary>
/// <remarks>
/// The array belongs to this request and is never reused. A runtime can answer before it has read everything, and
/// sending the rest may continue after the client has its answer. That rest must not contain another request's bytes.
/// </remarks>
internal static class RequestBody
{
    private const int FirstGuess = 4096;

    /// <param name="limit">Longest body, bytes.</param>
    /// <exception cref="ApiException">The body is too long, or not plain JSON.</exception>
    public static async ValueTask<Memory<byte>> ReadAsync(HttpContext http, int limit)
    {
        if (!IsPlainJson(http.Request))
        {
            throw new ApiException(ApiError.OfHttpStatus(StatusCodes.Status415UnsupportedMediaType, http.Request.Path));
        }

        // Checked before the limit is set, so that the server still drains the body and the caller can read the
        // answer.
        if (http.Request.ContentLength > limit)
        {
            throw new ApiException(ApiError.BodyTooLarge(limit));
        }

        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = limit;
        }

        try
        {
            return await FillAsync(http, limit);
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            throw new ApiException(ApiError.BodyTooLarge(limit));
        }
    }

    private static async ValueTask<Memory<byte>> FillAsync(HttpContext http, int limit)
    {
        var length = http.Request.ContentLength;
        var buffer = GC.AllocateUninitializedArray<byte>((int)(length ?? FirstGuess));
        var filled = 0;
        int read;

        // With a known length no read past the end is needed, so the buffer need not be one byte larger.
        while (
            filled != length
            && (read = await http.Request.Body.ReadAsync(buffer.AsMemory(filled), http.RequestAborted)) > 0
        )
        {
            filled += read;
            if (filled > limit)
            {
                throw new ApiException(ApiError.BodyTooLarge(limit));
            }

            if (filled == buffer.Length && filled != length)
            {
                Array.Resize(ref buffer, checked(buffer.Length * 2));
            }
        }

        return buffer.AsMemory(0, filled);
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

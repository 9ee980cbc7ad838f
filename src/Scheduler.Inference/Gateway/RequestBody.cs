using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Scheduler.Edge;
using Scheduler.Grains;

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
    public static async ValueTask<ReadOnlyMemory<byte>> ReadAsync(HttpContext http, RequestKind kind, int limit)
    {
        if (kind.TakesForm() && !http.Request.HasFormContentType)
        {
            throw new ApiException(ApiError.Invalid([new FieldFault("body", "Must be multipart/form-data.")]));
        }

        if (!kind.TakesForm() && !IsPlainJson(http.Request))
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

    private static async ValueTask<ReadOnlyMemory<byte>> FillAsync(HttpContext http, int limit)
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
        Microsoft.Net.Http.Headers.MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
        && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
        && (!type.Charset.HasValue || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase))
        && request.Headers.ContentEncoding.Count == 0;
}

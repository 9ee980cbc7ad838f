using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Scheduler.Edge;

namespace Scheduler.Inference.Gateway;

/// <summary>Reads the body of a request whole, within a limit, because what it asks stands anywhere in it.</summary>
/// <remarks>
/// The array is the request's own and never used again: a runtime that answers before it has read everything may still be sent the rest
/// when the client has its answer, and what it is sent must not be another's by then.
/// </remarks>
internal static class RequestBody
{
    private const int FirstGuess = 4096;

    /// <summary>Reads a request's body.</summary>
    /// <param name="http">The request.</param>
    /// <param name="limit">Longest body, bytes.</param>
    /// <exception cref="DoorException">It is longer, or not plain JSON.</exception>
    public static async ValueTask<ReadOnlyMemory<byte>> ReadAsync(HttpContext http, int limit)
    {
        if (!IsPlainJson(http.Request))
        {
            throw new DoorException(
                DoorError.OfHttpStatus(StatusCodes.Status415UnsupportedMediaType, http.Request.Path)
            );
        }

        // Before the server knows the limit, so that it still drains the body and the caller gets to read the answer.
        if (http.Request.ContentLength > limit)
        {
            throw new DoorException(DoorError.BodyTooLarge(limit));
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
            throw new DoorException(DoorError.BodyTooLarge(limit));
        }
    }

    private static async ValueTask<ReadOnlyMemory<byte>> FillAsync(HttpContext http, int limit)
    {
        var length = http.Request.ContentLength;
        var buffer = GC.AllocateUninitializedArray<byte>((int)(length ?? FirstGuess));
        var filled = 0;
        int read;

        // What has said its length is not asked for more: its buffer need not be larger by the byte that does not come.
        while (
            filled != length
            && (read = await http.Request.Body.ReadAsync(buffer.AsMemory(filled), http.RequestAborted)) > 0
        )
        {
            filled += read;
            if (filled > limit)
            {
                throw new DoorException(DoorError.BodyTooLarge(limit));
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

using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Scheduler.Edge.Limits;

namespace Scheduler.Edge;

/// <summary>Reads a whole body, within its limit and within the memory budget.</summary>
/// <remarks>
/// The array belongs to one request and is never reused. A runtime can answer before it has read everything, and sending
/// the rest may continue after the client has its answer. That rest must not contain another request's bytes.
/// </remarks>
internal static class BodyBytes
{
    private const int FirstGuess = 4096;

    /// <param name="limit">Longest body, bytes.</param>
    /// <param name="times">Bytes of memory that one byte of the body becomes at most, the body included.</param>
    /// <exception cref="ApiException">The body is too long, or the budget is used: then nothing was read.</exception>
    public static async ValueTask<Memory<byte>> ReadAsync(HttpContext http, int limit, int times)
    {
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
        {
            return default;
        }

        // Checked before the server gets the limit, so that it still drains the body and the caller can read the answer.
        if (http.Request.ContentLength > limit)
        {
            throw new ApiException(ApiError.BodyTooLarge(limit));
        }

        var memory = http.Scope().Memory!;
        memory.Grow((http.Request.ContentLength ?? FirstGuess) * times);
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = limit;
        }

        try
        {
            return await FillAsync(http, limit, times, memory);
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            throw new ApiException(ApiError.BodyTooLarge(limit));
        }
    }

    private static async ValueTask<Memory<byte>> FillAsync(HttpContext http, int limit, int times, MemoryShare memory)
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
                // The shorter arrays count too: together they are as long as the one that follows.
                memory.Grow((long)buffer.Length * (times + 1));
                Array.Resize(ref buffer, checked(buffer.Length * 2));
            }
        }

        return buffer.AsMemory(0, filled);
    }
}

using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Scheduler.Edge;

namespace Scheduler.Inference.Gateway;

/// <summary>The body of one request, in a rented buffer: read whole, within a limit, because what it asks stands anywhere in it.</summary>
internal sealed class RequestBody : IDisposable
{
    private const int FirstGuess = 4096;

    private byte[] _buffer;
    private int _length;

    private RequestBody(int capacity) => _buffer = ArrayPool<byte>.Shared.Rent(capacity);

    /// <summary>The bytes; good until it is disposed of.</summary>
    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _length);

    /// <summary>Reads a request's body.</summary>
    /// <param name="http">The request.</param>
    /// <param name="limit">Longest body, bytes.</param>
    /// <exception cref="DoorException">It is longer, or not plain JSON.</exception>
    public static async ValueTask<RequestBody> ReadAsync(HttpContext http, int limit)
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

        var body = new RequestBody((int)(http.Request.ContentLength ?? FirstGuess));
        try
        {
            await body.FillAsync(http, limit);
            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        var buffer = _buffer;
        _buffer = [];
        _length = 0;
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask FillAsync(HttpContext http, int limit)
    {
        try
        {
            // What has said its length is not asked for more: its buffer need not be larger by the byte that does not come.
            int read;
            while (
                _length != http.Request.ContentLength
                && (read = await http.Request.Body.ReadAsync(_buffer.AsMemory(_length), http.RequestAborted)) > 0
            )
            {
                _length += read;
                if (_length > limit)
                {
                    throw new DoorException(DoorError.BodyTooLarge(limit));
                }

                if (_length == _buffer.Length && _length != http.Request.ContentLength)
                {
                    Grow();
                }
            }
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            throw new DoorException(DoorError.BodyTooLarge(limit));
        }
    }

    private void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(checked(_buffer.Length * 2));
        _buffer.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    private static bool IsPlainJson(HttpRequest request) =>
        Microsoft.Net.Http.Headers.MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
        && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
        && (!type.Charset.HasValue || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase))
        && request.Headers.ContentEncoding.Count == 0;
}

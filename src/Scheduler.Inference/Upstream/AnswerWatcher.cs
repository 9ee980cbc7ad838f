using System.Net.Http.Headers;

namespace Scheduler.Inference.Upstream;

/// <summary>
/// HTTP handler between YARP and the runtime. Sends the request body in one piece, watches streams as they pass, and
/// buffers other answers until complete. If a runtime fails within a buffered answer, the client has received nothing
/// and another destination can be tried.
/// </summary>
/// <remarks>YARP's own content sends headers and body in two packets, and each wakes the runtime.</remarks>
internal sealed class AnswerWatcher(HttpMessageHandler runtimes, int heldBytes, TimeSpan silence, TimeProvider clock)
    : DelegatingHandler(runtimes)
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken
    )
    {
        if (!request.Options.TryGetValue(UpstreamCall.Key, out var call))
        {
            throw new InvalidOperationException("The request carries no upstream call.");
        }

        request.Content = new ReadOnlyMemoryContent(call.Body) { Headers = { ContentType = Json } };
        var response = await base.SendAsync(request, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            return response;
        }

        try
        {
            var content = response.Content;
            var body = await content.ReadAsStreamAsync(cancellationToken);
            var isStream = string.Equals(
                content.Headers.ContentType?.MediaType,
                "text/event-stream",
                StringComparison.OrdinalIgnoreCase
            );
            response.Content = isStream
                ? new StreamContent(new WatchedStream(body, call, silence, clock))
                : await HeldAsync(body, content.Headers.ContentLength, call, cancellationToken);
            response.Content.Headers.ContentType = content.Headers.ContentType;
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private async Task<HttpContent> HeldAsync(
        Stream body,
        long? length,
        UpstreamCall call,
        CancellationToken cancellationToken
    )
    {
        if (length > heldBytes)
        {
            return new StreamContent(body);
        }

        var held = new byte[Math.Min(length ?? 4096, heldBytes) + 1];
        var filled = 0;
        int read;
        while ((read = await body.ReadAsync(held.AsMemory(filled), cancellationToken)) > 0)
        {
            filled += read;
            if (filled > heldBytes)
            {
                return new StreamContent(new JoinedStream(new MemoryStream(held, 0, filled, writable: false), body));
            }

            if (filled == held.Length)
            {
                Array.Resize(ref held, (int)Math.Min(held.Length * 2L, heldBytes + 1L));
            }
        }

        if (UsageReader.TryRead(held.AsSpan(0, filled), out var usage))
        {
            call.Usage = usage;
        }

        await body.DisposeAsync();
        return new ByteArrayContent(held, 0, filled);
    }

    private sealed class JoinedStream(Stream first, Stream second) : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer,
            CancellationToken cancellationToken = default
        )
        {
            var read = await first.ReadAsync(buffer, cancellationToken);
            return read > 0 ? read : await second.ReadAsync(buffer, cancellationToken);
        }

        public override Task<int> ReadAsync(
            byte[] buffer,
            int offset,
            int count,
            CancellationToken cancellationToken
        ) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                first.Dispose();
                second.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}

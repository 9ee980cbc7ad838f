using System.Buffers;
using System.Net;

namespace Scheduler.Inference.Upstream;

/// <summary>
/// A long body for a runtime, sent through a small buffer. A socket keeps what it sent last, so an idle connection would
/// otherwise keep a whole body in memory.
/// </summary>
internal sealed class LongBody(ReadOnlyMemory<byte> body) : HttpContent
{
    /// <summary>Shorter bodies are sent as they are, in one packet with their headers, bytes.</summary>
    public const int LeastBytes = 64 * 1024;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(
        Stream stream,
        TransportContext? context,
        CancellationToken cancellationToken
    )
    {
        var piece = ArrayPool<byte>.Shared.Rent(LeastBytes);
        try
        {
            for (var rest = body; rest.Length > 0; )
            {
                var length = Math.Min(rest.Length, piece.Length);
                rest[..length].CopyTo(piece);
                await stream.WriteAsync(piece.AsMemory(0, length), cancellationToken);
                rest = rest[length..];
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = body.Length;
        return true;
    }
}

using System.Buffers.Binary;
using System.Text;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Docker;

/// <summary>Reads the logs of a container without a terminal: frames of standard output and error.</summary>
/// <remarks>A frame has 8 bytes of header, of which the first tells the stream and the last four the length, and then text.</remarks>
internal static class DockerLogs
{
    private const int HeaderBytes = 8;

    private const int HighestStream = 3;

    private const int PieceBytes = 8192;

    /// <returns>At most <see cref="RuntimeExit.MaxOutputTailChars"/> characters.</returns>
    internal static async Task<string> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var excerpt = new OutputExcerpt(RuntimeExit.MaxOutputTailChars);
        // A character may be split between two frames of one stream.
        var decoders = Enumerable.Range(0, HighestStream + 1).Select(_ => Encoding.UTF8.GetDecoder()).ToArray();
        var header = new byte[HeaderBytes];
        var piece = new byte[PieceBytes];
        var text = new char[Encoding.UTF8.GetMaxCharCount(PieceBytes)];
        while (
            await stream.ReadAtLeastAsync(header, HeaderBytes, throwOnEndOfStream: false, cancellationToken)
            == HeaderBytes
        )
        {
            if (header[0] > HighestStream || header[1] != 0)
            {
                throw new DockerException("the engine's logs are not in frames", 0);
            }

            long left = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4));
            while (left > 0)
            {
                var read = await stream.ReadAsync(
                    piece.AsMemory(0, (int)Math.Min(left, PieceBytes)),
                    cancellationToken
                );
                if (read == 0)
                {
                    return excerpt.End();
                }

                left -= read;
                var chars = decoders[header[0]].GetChars(piece.AsSpan(0, read), text, flush: false);
                excerpt.Append(text.AsSpan(0, chars));
            }
        }

        return excerpt.End();
    }
}

using System.Text;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Process;

/// <summary>
/// A child's output file. It is a file instead of a pipe. So a crash of the scheduler does not break the child's
/// writes and does not lose its last output.
/// </summary>
/// <remarks>
/// The size is limited by truncation. <c>ulimit -f</c> would end a runtime with much output by SIGXFSZ. The child
/// appends (<c>O_APPEND</c>), so the file can be truncated while it writes. Truncation keeps an excerpt: first lines,
/// lines that name a cause, last lines. A line written at that moment may be lost. It happens when the runtime is
/// probed, so the file may temporarily exceed the limit, and there is no limit while no scheduler runs.
/// </remarks>
internal static class ProcessOutput
{
    internal static string Tail(string path)
    {
        try
        {
            return ReadExcerpt(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return "";
        }
    }

    internal static void Bound(string path, long maxBytes)
    {
        if (new FileInfo(path) is not { Exists: true } file || file.Length <= maxBytes)
        {
            return;
        }

        var excerpt = Encoding.UTF8.GetBytes(ReadExcerpt(path));
        using var output = File.OpenHandle(
            path,
            FileMode.Open,
            FileAccess.Write,
            FileShare.ReadWrite | FileShare.Delete
        );
        RandomAccess.SetLength(output, 0);
        RandomAccess.Write(output, excerpt, 0);
    }

    private static string ReadExcerpt(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var excerpt = new OutputExcerpt(RuntimeExit.MaxOutputTailChars);
        var decoder = Encoding.UTF8.GetDecoder();
        var bytes = new byte[8192];
        var chars = new char[Encoding.UTF8.GetMaxCharCount(bytes.Length)];
        // Only what is there now: a child may write faster than this reads.
        var left = file.Length;
        while (left > 0 && file.Read(bytes, 0, (int)Math.Min(left, bytes.Length)) is > 0 and var read)
        {
            excerpt.Append(chars.AsSpan(0, decoder.GetChars(bytes.AsSpan(0, read), chars, flush: false)));
            left -= read;
        }

        return excerpt.End();
    }
}

using System.Text;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Process;

/// <summary>
/// A child's output file. It is a file instead of a pipe. So a crash of the scheduler does not break the child's
/// writes and does not lose its last output.
/// </summary>
/// <remarks>
/// The size is limited by truncation. <c>ulimit -f</c> would end a runtime with much output by SIGXFSZ. The child
/// appends (<c>O_APPEND</c>), so the file can be truncated while it writes. Truncation keeps the tail and drops the
/// rest; a line written at that moment may be lost. It happens when the runtime is probed, so the file may temporarily
/// exceed the limit, and there is no limit while no scheduler runs.
/// </remarks>
internal static class ProcessOutput
{
    /// <summary>Size after truncation: sixteen times what a diagnosis reads.</summary>
    private const int KeptBytes = 64 << 10;

    /// <summary>A character has at most four bytes, and the first one may be incomplete.</summary>
    private const int TailBytes = (RuntimeExit.MaxOutputTailChars * 4) + 4;

    internal static string Tail(string path)
    {
        try
        {
            var text = Encoding.UTF8.GetString(ReadEnd(path, TailBytes)).TrimStart('\uFFFD');
            return text.Length <= RuntimeExit.MaxOutputTailChars ? text : text[^RuntimeExit.MaxOutputTailChars..];
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

        var tail = ReadEnd(path, KeptBytes);
        using var output = File.OpenHandle(
            path,
            FileMode.Open,
            FileAccess.Write,
            FileShare.ReadWrite | FileShare.Delete
        );
        RandomAccess.SetLength(output, 0);
        RandomAccess.Write(output, tail, 0);
    }

    private static byte[] ReadEnd(string path, int count)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var length = RandomAccess.GetLength(file);
        var end = new byte[Math.Min(length, count)];
        var read = RandomAccess.Read(file, end, length - end.Length);
        return end[..read];
    }
}

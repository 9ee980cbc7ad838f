using System.Text;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Process;

/// <summary>
/// A child's output file. It is a file and not a pipe so that neither a crash of the scheduler breaks the child's writing nor its last
/// words are lost.
/// </summary>
/// <remarks>
/// Bounded by cutting, not by <c>ulimit -f</c>, which would end a talkative runtime with SIGXFSZ. The child appends
/// (<c>O_APPEND</c>), so the file can be cut under it: the tail is kept, the rest dropped; a line written in that moment may be lost. It
/// is cut when the runtime is looked at, so the bound is soft, and off while no scheduler runs.
/// </remarks>
internal static class ProcessOutput
{
    /// <summary>What stays when a file is cut: sixteen times what a diagnosis reads.</summary>
    private const int KeptBytes = 64 << 10;

    /// <summary>A character is at most four bytes, and the first may be cut in two.</summary>
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

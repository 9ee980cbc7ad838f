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
        using var text = new StreamReader(file, Encoding.UTF8);
        var excerpt = new OutputExcerpt(RuntimeExit.MaxOutputTailChars);
        var part = new char[8192];
        for (var read = text.Read(part); read > 0; read = text.Read(part))
        {
            excerpt.Append(part.AsSpan(0, read));
        }

        return excerpt.End();
    }
}

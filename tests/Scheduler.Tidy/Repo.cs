using System.Runtime.CompilerServices;

namespace Scheduler.Tidy;

/// <summary>The source tree on disk.</summary>
internal static class Repo
{
    private static readonly string[] Left = ["artifacts", "bin", "obj", "node_modules", ".git"];

    public static string Root { get; } = FindRoot();

    public static string Path(params string[] parts) => System.IO.Path.Combine([Root, .. parts]);

    public static string Relative(string path) => System.IO.Path.GetRelativePath(Root, path).Replace('\\', '/');

    public static IEnumerable<string> Files(string folder, string pattern) =>
        Directory
            .EnumerateFiles(Path(folder), pattern, SearchOption.AllDirectories)
            .Where(file => !Relative(file).Split('/').Any(part => Left.Contains(part)));

    private static string FindRoot([CallerFilePath] string here = "")
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "Scheduler.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? System.IO.Path.GetFullPath("../..", System.IO.Path.GetDirectoryName(here)!);
    }
}

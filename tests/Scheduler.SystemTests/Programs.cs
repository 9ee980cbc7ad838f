using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Scheduler.SystemTests;

internal static class Programs
{
    public static string Repository(params string[] parts) => Path.Combine([Root(), .. parts]);

    public static async Task<(int ExitCode, string Output)> RunAsync(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string> environment,
        CancellationToken cancellationToken
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return (process.ExitCode, await output + await errors);
    }

    private static string Root([CallerFilePath] string here = "")
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Scheduler.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? Path.GetFullPath("../..", Path.GetDirectoryName(here)!);
    }
}

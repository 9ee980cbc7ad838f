using System.Diagnostics;

namespace Scheduler.TestKit;

/// <summary>
/// Node, the one external program that several tests need. A machine with only the .NET SDK does not have it; it is
/// installed if this process runs as root.
/// </summary>
public static class NodeProgram
{
    private static readonly SemaphoreSlim One = new(1);

    /// <summary>Makes sure that <c>node</c> and <c>npm</c> can be called.</summary>
    /// <returns>Null if they can, otherwise the reason for a skip.</returns>
    public static async Task<string?> MissingAsync(CancellationToken cancellationToken)
    {
        await One.WaitAsync(cancellationToken);
        try
        {
            if (IsThere())
            {
                return null;
            }

            if (Environment.UserName is not "root" || Find("apt-get") is null)
            {
                return "node and npm are not on PATH, and only root with apt-get could install them.";
            }

            // The package lists may be missing or old.
            var said = await RunAsync("apt-get install -y nodejs npm", cancellationToken);
            said += IsThere()
                ? ""
                : await RunAsync("apt-get update && apt-get install -y nodejs npm", cancellationToken);
            return IsThere() ? null : $"node and npm are not on PATH, and apt-get could not install them: {said}";
        }
        finally
        {
            One.Release();
        }
    }

    private static bool IsThere() => Find("node") is not null && Find("npm") is not null;

    private static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);

    private static async Task<string> RunAsync(string command, CancellationToken cancellationToken)
    {
        using var process = Process.Start(
            new ProcessStartInfo("sh", ["-c", command])
            {
                UseShellExecute = false,
                Environment = { ["DEBIAN_FRONTEND"] = "noninteractive" },
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return await output + await errors;
    }
}

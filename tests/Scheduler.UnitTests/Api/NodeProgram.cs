using System.Diagnostics;
using Xunit;

namespace Scheduler.UnitTests.Api;

/// <summary>
/// The one foreign program that a test needs. A machine with the .NET SDK alone does not have it: it is installed where that can be done
/// without asking, and the test says that it was skipped, and why, where it cannot.
/// </summary>
internal static class NodeProgram
{
    private static readonly SemaphoreSlim One = new(1);

    /// <summary>Returns when <c>node</c> and <c>npm</c> can be called; else skips the running test.</summary>
    public static async Task RequireAsync(CancellationToken cancellationToken)
    {
        await One.WaitAsync(cancellationToken);
        try
        {
            if (IsThere())
            {
                return;
            }

            var mayInstall = Environment.UserName is "root" && Find("apt-get") is not null;
            if (mayInstall && !await TryRunAsync("apt-get install -y nodejs npm", cancellationToken))
            {
                // The list of packages may be missing or old.
                mayInstall = await TryRunAsync("apt-get update && apt-get install -y nodejs npm", cancellationToken);
            }

            Assert.SkipUnless(
                mayInstall && IsThere(),
                "node and npm are not on PATH, and apt-get as root could not install them: install nodejs and npm to run the linter."
            );
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

    private static async Task<bool> TryRunAsync(string command, CancellationToken cancellationToken)
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
        TestContext.Current.TestOutputHelper?.WriteLine($"{command}: {await output} {await errors}");
        return process.ExitCode == 0;
    }
}

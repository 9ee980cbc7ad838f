using System.Diagnostics;

namespace Scheduler.TestKit;

/// <summary>Runs a program whose output matters only when it fails.</summary>
internal static class QuietProgram
{
    /// <exception cref="InvalidOperationException">The program failed; the message contains its output.</exception>
    public static async Task RunAsync(ProcessStartInfo start, CancellationToken cancellationToken)
    {
        // No pipes: a server started by the program would inherit them and keep them open.
        var log = Path.GetTempFileName();
        try
        {
            var command = string.Join(' ', start.ArgumentList.Prepend(start.FileName).Select(Quoted));
            var shell = new ProcessStartInfo("sh", ["-c", $"{command} > {Quoted(log)} 2>&1 < /dev/null"])
            {
                WorkingDirectory = start.WorkingDirectory,
            };
            shell.Environment["DEBIAN_FRONTEND"] = "noninteractive";
            using var process =
                Process.Start(shell) ?? throw new InvalidOperationException($"{start.FileName} was not started.");
            await process.WaitForExitAsync(cancellationToken);
            if (process.ExitCode != 0)
            {
                throw new InvalidOperationException(
                    $"{command} ended with {process.ExitCode}:\n{await File.ReadAllTextAsync(log, cancellationToken)}"
                );
            }
        }
        finally
        {
            File.Delete(log);
        }
    }

    private static string Quoted(string word) => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}

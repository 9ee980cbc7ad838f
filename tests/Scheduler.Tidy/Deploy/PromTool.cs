using System.Diagnostics;
using Xunit;

namespace Scheduler.Tidy.Deploy;

/// <summary>
/// Prometheus' own tool. If it is not installed, Debian's package <c>prometheus</c> is unpacked and not installed, so
/// that no server starts.
/// </summary>
internal static class PromTool
{
    private static readonly string Kept = Repo.Path("artifacts", "tools", "prometheus");
    private static readonly SemaphoreSlim Once = new(1, 1);

    /// <summary>Runs it and returns its output; fails the test if it fails.</summary>
    public static async Task<string> RunAsync(params string[] arguments)
    {
        var (exitCode, output) = await ExecuteAsync(await FindAsync(), Repo.Root, arguments);
        Assert.True(exitCode == 0, output);
        return output;
    }

    /// <summary>Fails for an invalid expression: each becomes a rule, and the tool checks the rules.</summary>
    public static async Task AssertReadableAsync(IReadOnlyList<string> expressions)
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("scheduler-rules-").FullName, "rules.yaml");
        var rules = expressions.Select(
            (expression, i) =>
                $"      - record: read:{i}\n        expr: {System.Text.Json.JsonSerializer.Serialize(expression)}"
        );
        await File.WriteAllTextAsync(
            file,
            $"groups:\n  - name: read\n    rules:\n{string.Join('\n', rules)}\n",
            TestContext.Current.CancellationToken
        );
        await RunAsync("check", "rules", file);
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }

    private static async Task<string> FindAsync()
    {
        var unpacked = Path.Combine(Kept, "usr", "bin", "promtool");
        await Once.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            var installed = (Environment.GetEnvironmentVariable("PATH") ?? "")
                .Split(':')
                .Select(folder => Path.Combine(folder, "promtool"))
                .Append(unpacked)
                .FirstOrDefault(File.Exists);
            if (installed is not null)
            {
                return installed;
            }

            Assert.SkipUnless(File.Exists("/usr/bin/apt-get"), "promtool is not installed, and apt-get is missing.");
            await UnpackAsync();
            Assert.SkipUnless(
                File.Exists(unpacked),
                "promtool is not installed, and its package could not be downloaded."
            );
            return unpacked;
        }
        finally
        {
            Once.Release();
        }
    }

    private static async Task UnpackAsync()
    {
        Directory.CreateDirectory(Kept);
        if ((await ExecuteAsync("apt-get", Kept, ["download", "prometheus"])).ExitCode != 0)
        {
            await ExecuteAsync("apt-get", Kept, ["update"]);
            await ExecuteAsync("apt-get", Kept, ["download", "prometheus"]);
        }

        foreach (var package in Directory.EnumerateFiles(Kept, "prometheus_*.deb"))
        {
            await ExecuteAsync("dpkg-deb", Kept, ["--extract", package, Kept]);
        }
    }

    internal static async Task<(int ExitCode, string Output)> ExecuteAsync(
        string program,
        string folder,
        string[] arguments
    )
    {
        var ct = TestContext.Current.CancellationToken;
        var start = new ProcessStartInfo(program)
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        Array.ForEach(arguments, start.ArgumentList.Add);
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        var output = process.StandardOutput.ReadToEndAsync(ct);
        var errors = process.StandardError.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        return (process.ExitCode, await output + await errors);
    }
}

namespace Scheduler.TestKit;

/// <summary>
/// A clock that is behind, for a <see cref="SchedulerProcess"/> whose next start on the same directory finds that hours
/// have passed. It uses Debian's library <c>libfaketime</c>, which is installed if missing. Only the wall clock is
/// behind; waits take their normal time.
/// </summary>
public static class PastClock
{
    private const string Libraries = "/usr/lib";
    private const string Library = "libfaketimeMT.so.1";

    /// <summary>Environment variables of a process with such a clock.</summary>
    /// <param name="hours">How far the clock is behind.</param>
    public static async Task<IReadOnlyDictionary<string, string>> BehindAsync(
        int hours,
        CancellationToken cancellationToken
    )
    {
        if (Find() is null)
        {
            await DebianPackage.InstallAsync("libfaketime", cancellationToken);
        }

        return new Dictionary<string, string>
        {
            ["LD_PRELOAD"] =
                Find() ?? throw new InvalidOperationException($"{Library} was not installed in {Libraries}."),
            ["FAKETIME"] = $"-{hours}h",
            ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1",
        };
    }

    /// <summary>Environment variables of a process whose wall clock follows a file, for example of the text <c>-3600</c> (seconds).</summary>
    public static async Task<IReadOnlyDictionary<string, string>> SetByAsync(
        string file,
        CancellationToken cancellationToken
    )
    {
        var environment = new Dictionary<string, string>(await BehindAsync(0, cancellationToken))
        {
            ["FAKETIME_TIMESTAMP_FILE"] = file,
            ["FAKETIME_NO_CACHE"] = "1",
        };
        environment.Remove("FAKETIME");
        return environment;
    }

    /// <summary>The library is in a folder named by the machine's architecture.</summary>
    private static string? Find() =>
        Directory
            .EnumerateDirectories(Libraries)
            .Select(folder => Path.Combine(folder, "faketime", Library))
            .FirstOrDefault(File.Exists);
}

namespace Scheduler.TestKit;

/// <summary>
/// A clock that is behind, for a <see cref="SchedulerProcess"/> whose next start on the same directory finds hours gone by: Debian's library
/// <c>libfaketime</c>, installed where it is missing. Only the wall clock is behind; waiting takes as long as ever.
/// </summary>
public static class PastClock
{
    private const string Libraries = "/usr/lib";
    private const string Library = "libfaketimeMT.so.1";

    /// <summary>The variables of a process that has such a clock.</summary>
    /// <param name="hours">By how much it is behind.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
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
            ["LD_PRELOAD"] = Find() ?? throw new InvalidOperationException($"No {Library} came to {Libraries}."),
            ["FAKETIME"] = $"-{hours}h",
            ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1",
        };
    }

    /// <summary>It lies in a folder named by the machine's architecture.</summary>
    private static string? Find() =>
        Directory
            .EnumerateDirectories(Libraries)
            .Select(folder => Path.Combine(folder, "faketime", Library))
            .FirstOrDefault(File.Exists);
}

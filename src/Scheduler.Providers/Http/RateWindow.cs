using System.Globalization;

namespace Scheduler.Providers.Http;

/// <summary>One window of the <c>RateLimit</c> and <c>RateLimit-Policy</c> headers (IETF draft ratelimit-headers).</summary>
/// <param name="Left">Calls left (<c>r</c>); null if the header does not say.</param>
/// <param name="Resets">Time until the window starts again (<c>t</c>); null if the header does not say.</param>
/// <param name="Quota">Calls of a whole window (<c>q</c>); null if the header does not say.</param>
internal sealed record RateWindow(string Name, long? Left, TimeSpan? Resets, long? Quota)
{
    /// <summary>More windows are an error in the header.</summary>
    private const int MaxWindows = 16;

    /// <summary>Unreadable parts are left out: the header is a hint, and a refusal is counted anyway.</summary>
    internal static IReadOnlyList<RateWindow> Read(string header)
    {
        var windows = new List<RateWindow>();
        foreach (var item in header.Split(',', MaxWindows + 1, StringSplitOptions.TrimEntries).Take(MaxWindows))
        {
            var parts = item.Split(';', StringSplitOptions.TrimEntries);
            var seconds = Number(parts, "t");
            windows.Add(
                new RateWindow(
                    parts[0].Trim('"'),
                    Number(parts, "r"),
                    seconds is { } s ? TimeSpan.FromSeconds(s) : null,
                    Number(parts, "q")
                )
            );
        }

        return windows;
    }

    private static long? Number(string[] parts, string name)
    {
        foreach (var part in parts.Skip(1))
        {
            if (
                part.StartsWith(name + "=", StringComparison.Ordinal)
                && long.TryParse(
                    part.AsSpan(name.Length + 1),
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var n
                )
                && n <= int.MaxValue
            )
            {
                return n;
            }
        }

        return null;
    }
}

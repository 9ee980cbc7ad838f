using System.Text.RegularExpressions;

namespace Scheduler.SystemTests.Readme;

/// <summary>Compares an <see cref="PageBlock.Output"/> block with what the commands printed.</summary>
internal static class Expected
{
    private const string AnyCharacters = "…";

    /// <summary>The first expected line that is missing after those before it; null if none is.</summary>
    public static string? FirstMissing(string expected, string printed)
    {
        var at = 0;
        var lines = printed.Split('\n');
        foreach (var line in expected.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var pattern = new Regex(
                string.Join(".*", line.Trim().Split(AnyCharacters).Select(Regex.Escape)),
                RegexOptions.None,
                TimeSpan.FromSeconds(1)
            );
            while (at < lines.Length && !pattern.IsMatch(lines[at]))
            {
                at++;
            }

            if (at++ == lines.Length)
            {
                return line;
            }
        }

        return null;
    }
}

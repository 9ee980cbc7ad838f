using System.Text.RegularExpressions;

namespace Scheduler.Dashboard.Requests;

/// <summary>What a request id looks like.</summary>
internal static partial class RequestIds
{
    /// <summary>Whether a text can be one; ids that wake-ups and restarts work under are not made by a door, so no prefix is asked for.</summary>
    public static bool IsWellFormed(string text) => Token().IsMatch(text);

    [GeneratedRegex(@"^[A-Za-z0-9._-]{1,128}\z", RegexOptions.None, 1000)]
    private static partial Regex Token();
}

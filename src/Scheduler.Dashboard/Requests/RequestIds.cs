using System.Text.RegularExpressions;

namespace Scheduler.Dashboard.Requests;

internal static partial class RequestIds
{
    /// <summary>
    /// Whether a text can be a request id. No prefix is required: wake-ups and restarts use ids that do not come from
    /// the API.
    /// </summary>
    public static bool IsWellFormed(string text) => Token().IsMatch(text);

    [GeneratedRegex(@"^[A-Za-z0-9._-]{1,128}\z", RegexOptions.None, 1000)]
    private static partial Regex Token();
}

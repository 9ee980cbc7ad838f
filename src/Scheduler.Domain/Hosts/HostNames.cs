using System.Text.RegularExpressions;

namespace Scheduler.Domain.Hosts;

public static partial class HostNames
{
    /// <summary>The form of a name, for messages.</summary>
    public const string Form = "1 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit";

    public static bool IsName(string text) => Pattern().IsMatch(text);

    /// <summary>Whether a worker may be called there: https, a host and a port, and nothing else.</summary>
    public static bool IsAddress(string text) =>
        text.Length <= 256
        && Uri.TryCreate(text, UriKind.Absolute, out var uri)
        && uri.Scheme == Uri.UriSchemeHttps
        && uri is { AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "" };

    [GeneratedRegex(@"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\z", RegexOptions.None, 1000)]
    private static partial Regex Pattern();
}

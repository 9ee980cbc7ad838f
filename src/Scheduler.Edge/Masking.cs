using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;
using Scheduler.Domain.Secrets;

namespace Scheduler.Edge;

/// <summary>
/// Removes from texts what a viewer, a list or a support bundle must not contain: values with the name or the form of a
/// secret, and prompts in runtime output. It masks too much rather than too little; numbers such as <c>context_tokens</c> stay.
/// </summary>
internal static partial class Masking
{
    /// <summary>Replaces a removed value.</summary>
    public const string Masked = "***";

    private const string LeftOut = "(a line about a prompt was left out)";

    /// <summary>Prefixes of the scheduler's ids; they identify resources and give no access.</summary>
    private static readonly string[] OwnIds = ["i-", "key-", "acct-", "bal-", "req-"];

    /// <summary>Whether a value with this name is a secret.</summary>
    /// <param name="name">Name of a flag, field or variable.</param>
    public static bool IsSecret(string name) => SecretNames.IsSecret(name);

    /// <summary>
    /// Masks the values of secret flags in runtime arguments, as <c>--flag value</c> and <c>--flag=value</c>.
    /// </summary>
    public static ImmutableArray<string> Arguments(IEnumerable<string> arguments)
    {
        var masked = ImmutableArray.CreateBuilder<string>();
        var isValueSecret = false;
        foreach (var argument in arguments)
        {
            if (!IsFlag(argument))
            {
                // A flag may take several values; they are secret until the next flag.
                masked.Add(isValueSecret ? Masked : Text(argument));
                continue;
            }

            var name = argument.Split('=', 2)[0];
            var hasValue = name.Length < argument.Length;
            isValueSecret = IsSecret(name) && !hasValue;
            masked.Add(
                !hasValue ? argument
                : IsSecret(name) ? $"{name}={Masked}"
                : $"{name}={Text(argument[(name.Length + 1)..])}"
            );
        }

        return masked.ToImmutable();
    }

    public static ImmutableSortedDictionary<string, string> Facts(IEnumerable<KeyValuePair<string, string>> facts) =>
        facts.ToImmutableSortedDictionary(
            fact => fact.Key,
            fact => IsSecret(fact.Key) && !IsOwnId(fact.Value) ? Masked : Text(fact.Value),
            StringComparer.Ordinal
        );

    public static string Text(string text)
    {
        var clean = UserInfo().Replace(text, $"://{Masked}@");
        clean = Header().Replace(clean, $"${{name}}{Masked}");
        clean = Scheme().Replace(clean, $"${{name}} {Masked}");
        clean = SecretNames.Marked().Replace(clean, Masked);
        clean = NamedValues(clean);
        return string.Join('\n', clean.Split('\n').Select(line => Prompt().IsMatch(line) ? LeftOut : line));
    }

    /// <summary>
    /// The match does not consume the value, because a value that is no secret may contain another name with a value.
    /// </summary>
    private static string NamedValues(string text)
    {
        var masked = new StringBuilder();
        var done = 0;
        foreach (Match match in Named().Matches(text))
        {
            var value = match.Groups["value"];
            if (value.Index >= done && IsSecret(match.Groups["name"].Value) && !IsOwnId(value.Value))
            {
                masked.Append(text, done, value.Index - done).Append(Masked);
                done = value.Index + value.Length;
            }
        }

        return masked.Append(text, done, text.Length - done).ToString();
    }

    private static bool IsFlag(string argument) => argument is ['-', .., _] && !char.IsAsciiDigit(argument[1]);

    private static bool IsOwnId(string value) =>
        OwnIds.Any(prefix => value.StartsWith(prefix, StringComparison.Ordinal)) && value.Length < 64;

    /// <summary>User and password of a URL.</summary>
    [GeneratedRegex(@"://[^/\s@""']+@", RegexOptions.None, 1000)]
    private static partial Regex UserInfo();

    [GeneratedRegex(
        @"(?<name>\b(?:authorization|cookie)[""']?\s*[:=]\s*[""']?)[^\r\n""']+",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex Header();

    /// <summary>Credentials after the scheme of an Authorization header.</summary>
    [GeneratedRegex(
        @"\b(?<name>Bearer|Basic)\s+[^\s""',;]+",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex Scheme();

    /// <summary><c>name=value</c>, <c>name: value</c>, <c>"name": "value"</c>, and query parameters of a URL.</summary>
    [GeneratedRegex(
        @"(?<name>[A-Za-z][\w.\-]*)[""']?\s*[:=]\s*[""']?(?=(?<value>[^\s""',;&}\]]+))",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex Named();

    /// <summary>Lines in which a runtime logs a prompt.</summary>
    [GeneratedRegex(@"\b(?:prompt|messages|content|input)[""']?\s*[:=]", RegexOptions.IgnoreCase, 1000)]
    private static partial Regex Prompt();
}

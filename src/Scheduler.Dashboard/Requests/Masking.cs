using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;

namespace Scheduler.Dashboard.Requests;

/// <summary>
/// Takes out of texts what must not leave with a support bundle: whatever has the name or the look of a secret, and what a runtime
/// printed of prompts. It would rather mask too much; numbers such as <c>context_tokens</c> stay.
/// </summary>
internal static partial class Masking
{
    /// <summary>What stands where something was taken out.</summary>
    public const string Masked = "***";

    private const string LeftOut = "(a line about a prompt was left out)";

    /// <summary>Words of a name that make its value a secret.</summary>
    private static readonly HashSet<string> SecretWords = new(StringComparer.OrdinalIgnoreCase)
    {
        "key",
        "keys",
        "token",
        "secret",
        "secrets",
        "password",
        "passwd",
        "pwd",
        "passphrase",
        "authorization",
        "auth",
        "api",
        "bearer",
        "cookie",
        "credential",
        "credentials",
    };

    /// <summary>Parts that make a name secret also where the words are written as one.</summary>
    private static readonly string[] SecretParts =
    [
        "apikey",
        "authtoken",
        "accesskey",
        "secret",
        "password",
        "passphrase",
        "credential",
        "authorization",
    ];

    /// <summary>How ids of the scheduler's own begin; they name things and open nothing.</summary>
    private static readonly string[] OwnIds = ["i-", "key-", "acct-", "bal-", "req-"];

    /// <summary>Whether the value of something so called is a secret.</summary>
    /// <param name="name">A flag, field or variable.</param>
    public static bool IsSecret(string name) =>
        Word().Matches(name).Any(word => SecretWords.Contains(word.Value))
        || SecretParts.Any(part => Joined(name).Contains(part, StringComparison.OrdinalIgnoreCase));

    /// <summary>Arguments of a runtime, in order: the values of secret flags are masked, in whichever way they are written.</summary>
    /// <param name="arguments">As they are given to the runtime.</param>
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

    /// <summary>Facts by name.</summary>
    /// <param name="facts">Names and values.</param>
    public static ImmutableSortedDictionary<string, string> Facts(IEnumerable<KeyValuePair<string, string>> facts) =>
        facts.ToImmutableSortedDictionary(
            fact => fact.Key,
            fact => IsSecret(fact.Key) && !IsOwnId(fact.Value) ? Masked : Text(fact.Value),
            StringComparer.Ordinal
        );

    /// <summary>Any text, also one of many lines.</summary>
    /// <param name="text">The text.</param>
    public static string Text(string text)
    {
        var clean = UserInfo().Replace(text, $"://{Masked}@");
        clean = Header().Replace(clean, $"${{name}}{Masked}");
        clean = Scheme().Replace(clean, $"${{name}} {Masked}");
        clean = KnownSecret().Replace(clean, Masked);
        clean = NamedValues(clean);
        return string.Join('\n', clean.Split('\n').Select(line => Prompt().IsMatch(line) ? LeftOut : line));
    }

    /// <summary>Values are looked at, not passed over: what stands in one that is no secret may be a name with a value of its own.</summary>
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

    private static string Joined(string name) => string.Concat(name.Where(char.IsAsciiLetterOrDigit));

    /// <summary>Words of names in every style: kebab, snake, camel, shouting.</summary>
    [GeneratedRegex("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", RegexOptions.None, 1000)]
    private static partial Regex Word();

    /// <summary>User and password of an address.</summary>
    [GeneratedRegex(@"://[^/\s@""']+@", RegexOptions.None, 1000)]
    private static partial Regex UserInfo();

    /// <summary>Headers whose whole value is a secret.</summary>
    [GeneratedRegex(
        @"(?<name>\b(?:authorization|cookie)[""']?\s*[:=]\s*[""']?)[^\r\n""']+",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex Header();

    /// <summary>What follows the scheme of an Authorization header.</summary>
    [GeneratedRegex(
        @"\b(?<name>Bearer|Basic)\s+[^\s""',;]+",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex Scheme();

    /// <summary>Secrets that show what they are.</summary>
    [GeneratedRegex(
        @"\b(?:sk-|hf_|gh[opsu]_|github_pat_|glpat-|xox[abp]-|AKIA|eyJ)[A-Za-z0-9_\-.]{8,}",
        RegexOptions.None,
        1000
    )]
    private static partial Regex KnownSecret();

    /// <summary><c>name=value</c>, <c>name: value</c>, <c>"name": "value"</c>, and the parameters of an address.</summary>
    [GeneratedRegex(
        @"(?<name>[A-Za-z][\w.\-]*)[""']?\s*[:=]\s*[""']?(?=(?<value>[^\s""',;&}\]]+))",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex Named();

    /// <summary>Lines in which a runtime tells what it was asked.</summary>
    [GeneratedRegex(@"\b(?:prompt|messages|content|input)[""']?\s*[:=]", RegexOptions.IgnoreCase, 1000)]
    private static partial Regex Prompt();
}

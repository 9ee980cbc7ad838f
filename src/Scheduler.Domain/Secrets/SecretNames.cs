using System.Text.RegularExpressions;

namespace Scheduler.Domain.Secrets;

/// <summary>Recognizes secrets by the name of a flag, field or variable, or by the form of the value.</summary>
public static partial class SecretNames
{
    /// <summary>A name that contains one of these words has a secret value.</summary>
    private static readonly HashSet<string> Words = new(StringComparer.OrdinalIgnoreCase)
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

    /// <summary>Parts that make a name secret also without word boundaries.</summary>
    private static readonly string[] Parts =
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

    /// <summary>Whether a value with this name is a secret.</summary>
    /// <param name="name">Name of a flag, field or variable.</param>
    public static bool IsSecret(string name) =>
        Word().Matches(name).Any(word => Words.Contains(word.Value))
        || Parts.Any(part => Joined(name).Contains(part, StringComparison.OrdinalIgnoreCase));

    /// <summary>Secrets with a prefix by which their issuers mark them, for example <c>hf_</c>.</summary>
    [GeneratedRegex(
        @"\b(?:sk-|hf_|gh[opsu]_|github_pat_|glpat-|xox[abp]-|AKIA|eyJ)[A-Za-z0-9_\-.]{8,}",
        RegexOptions.None,
        1000
    )]
    public static partial Regex Marked();

    private static string Joined(string name) => string.Concat(name.Where(char.IsAsciiLetterOrDigit));

    /// <summary>Words of a name in kebab, snake, camel or upper case.</summary>
    [GeneratedRegex("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", RegexOptions.None, 1000)]
    private static partial Regex Word();
}

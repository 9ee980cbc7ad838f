using System.Text;
using System.Text.RegularExpressions;

namespace Scheduler.Domain.Secrets;

/// <summary>Validation of a secret. No message contains a part of a value.</summary>
public static partial class SecretValidation
{
    /// <summary>The form of a name, for messages.</summary>
    public const string Name = "1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit";

    /// <summary>The form of a value, for messages.</summary>
    public const string Value = "1 to 16,384 bytes of UTF-8 without NUL";

    /// <summary>Longest value, bytes: room for a key file, and far below what an environment may hold.</summary>
    public const int LongestValue = 16_384;

    public static bool IsName(string text) => NamePattern().IsMatch(text);

    public static bool IsValue(string text) =>
        text.Length is > 0 and <= LongestValue
        && !text.Contains('\0', StringComparison.Ordinal)
        && Encoding.UTF8.GetByteCount(text) <= LongestValue;

    [GeneratedRegex(@"^[a-z0-9][a-z0-9._-]{0,62}\z", RegexOptions.None, 1000)]
    private static partial Regex NamePattern();
}

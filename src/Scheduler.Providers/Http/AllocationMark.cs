using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Http;

/// <summary>
/// The name under which a vendor lists an allocation: <c>gs1.{cluster}.{key}</c>. It is all that identifies an allocation at
/// vendors without an idempotency key.
/// </summary>
/// <remarks>
/// The parts have only letters, digits and '-'; other bytes are written as <c>_</c> and two hexadecimal digits. A cluster that makes
/// the name too long is replaced by <c>_-</c> and the start of its SHA-256.
/// </remarks>
internal sealed partial record AllocationMark(string ClusterText, AllocationKey Key)
{
    private const string Prefix = "gs1.";
    private const string Hashed = "_-";
    private const int HashChars = 16;

    /// <summary>The owner that the key names, when its record is lost.</summary>
    internal InstanceId Instance => new(AttemptOfKey().Replace(Key.Value, ""));

    /// <param name="maxChars">Longest name that the vendor accepts.</param>
    /// <exception cref="ArgumentException">The key alone is too long.</exception>
    internal static string Of(string cluster, AllocationKey key, int maxChars)
    {
        var escaped = Escape(key.Value);
        var name = $"{Prefix}{ClusterOf(cluster, escaped.Length, maxChars)}.{escaped}";
        return name.Length <= maxChars
            ? name
            : throw new ArgumentException(
                $"The key '{key}' does not fit a name of {maxChars} characters.",
                nameof(key)
            );
    }

    /// <summary>Reads a name; null when it is not one of ours.</summary>
    internal static AllocationMark? Read(string? name)
    {
        if (name?.StartsWith(Prefix, StringComparison.Ordinal) != true)
        {
            return null;
        }

        var parts = name[Prefix.Length..].Split('.');
        return parts.Length == 2 && parts[0].Length > 0 && Unescape(parts[1]) is { Length: > 0 } key
            ? new AllocationMark(parts[0], new AllocationKey(key))
            : null;
    }

    internal bool IsOf(string cluster) =>
        ClusterText == Escape(cluster)
        || (ClusterText.StartsWith(Hashed, StringComparison.Ordinal) && ClusterText == Hash(cluster));

    /// <summary>The tag as the name tells it. A hashed cluster stays hashed.</summary>
    internal AllocationTag Tag => new(Unescape(ClusterText) ?? ClusterText, Instance);

    private static string ClusterOf(string cluster, int keyChars, int maxChars)
    {
        var escaped = Escape(cluster);
        return Prefix.Length + escaped.Length + 1 + keyChars <= maxChars ? escaped : Hash(cluster);
    }

    private static string Hash(string cluster) =>
        Hashed + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(cluster)))[..HashChars];

    private static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var letter in Encoding.UTF8.GetBytes(text))
        {
            if (char.IsAsciiLetterOrDigit((char)letter) || letter == '-')
            {
                escaped.Append((char)letter);
            }
            else
            {
                escaped.Append('_').Append(Convert.ToHexStringLower([letter]));
            }
        }

        return escaped.ToString();
    }

    private static string? Unescape(string text)
    {
        var bytes = new List<byte>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '_')
            {
                bytes.Add((byte)text[i]);
                continue;
            }

            if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
            {
                return null;
            }

            bytes.Add(Convert.FromHexString(text.AsSpan(i + 1, 2))[0]);
            i += 2;
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }

    [GeneratedRegex("-r[0-9]+-a[0-9]+$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex AttemptOfKey();
}

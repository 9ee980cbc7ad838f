using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Scheduler.Storage.Secrets;

/// <summary>The master keys, as <c>id:key</c> each. The first one encrypts; the others only decrypt.</summary>
/// <remarks>A key is 32 random bytes in base64 or base64url. An id is stored beside what its key encrypts.</remarks>
public sealed class MasterKeys
{
    /// <summary>Length of a key, bytes: AES-256.</summary>
    public const int KeyBytes = 32;

    internal const string Accepted =
        "one key per line or comma, ID:KEY; ID is 1 to 63 of a-z, 0-9 and '-', KEY is 32 bytes in base64";

    private const int LongestId = 63;

    private readonly Dictionary<string, byte[]> _keys;

    private MasterKeys(string first, Dictionary<string, byte[]> keys) => (First, _keys) = (first, keys);

    /// <summary>Id of the key that encrypts.</summary>
    public string First { get; }

    public IEnumerable<string> Ids => _keys.Keys;

    internal ReadOnlySpan<byte> Key(string id) => _keys[id];

    internal bool Has(string id) => _keys.ContainsKey(id);

    /// <summary>A line with a new random key.</summary>
    public static string NewLine(string id) =>
        $"{id}:{Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes))}";

    /// <param name="text">Empty lines and lines that begin with <c>#</c> are comments.</param>
    /// <returns>Null when the text is not what <see cref="Accepted"/> says. No error shows a part of it.</returns>
    public static MasterKeys? Parse(string text)
    {
        string? first = null;
        var keys = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (
            var line in text.Split(['\n', ','], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        )
        {
            if (line.StartsWith('#'))
            {
                continue;
            }

            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || !IsId(line[..colon]) || Bytes(line[(colon + 1)..].Trim()) is not { } key)
            {
                return null;
            }

            if (!keys.TryAdd(line[..colon], key))
            {
                return null;
            }

            first ??= line[..colon];
        }

        return first is null ? null : new MasterKeys(first, keys);
    }

    public override string ToString() => $"master keys {string.Join(", ", Ids)}";

    private static bool IsId(string id) =>
        id.Length <= LongestId
        && id.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter == '-');

    private static byte[]? Bytes(string text)
    {
        var url = Encoding.ASCII.GetBytes(text.TrimEnd('=').Replace('+', '-').Replace('/', '_'));
        if (!Base64Url.IsValid(url, out var length) || length != KeyBytes)
        {
            return null;
        }

        return Base64Url.DecodeFromUtf8(url);
    }
}

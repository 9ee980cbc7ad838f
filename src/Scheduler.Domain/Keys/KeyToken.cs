using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Scheduler.Domain.Keys;

/// <summary>
/// A key as its holder sends it: <c>sk-{12 of a-z2-7}-{43 of A-Za-z0-9_-}</c>. The first part is the key's public id
/// (<c>key-{12}</c>), the second the secret: 256 random bits in base64url.
/// </summary>
/// <param name="KeyId">The public half, as stored and shown: <c>key-…</c>.</param>
/// <param name="Secret">The secret half. Never logged, stored or answered.</param>
public sealed record KeyToken(string KeyId, string Secret)
{
    /// <summary>Characters of the id part.</summary>
    public const int IdLength = 12;

    /// <summary>Characters of the secret part.</summary>
    public const int SecretLength = 43;

    /// <summary>Characters of a whole token.</summary>
    public const int Length = 3 + IdLength + 1 + SecretLength;

    private static readonly SearchValues<char> IdLetters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz234567");

    private const string IdPrefix = "key-";
    private const string TokenPrefix = "sk-";

    /// <summary>The token as it is sent.</summary>
    public string Reveal() => $"{PrefixOf(KeyId)}-{Secret}";

    /// <summary>The public first characters of every token of a key.</summary>
    /// <param name="keyId">The key, <c>key-…</c>.</param>
    public static string PrefixOf(string keyId)
    {
        ArgumentNullException.ThrowIfNull(keyId);
        return string.Concat(TokenPrefix, keyId.AsSpan(IdPrefix.Length));
    }

    /// <summary>Whether a text is of the form of a key's public id.</summary>
    /// <param name="text">Any text.</param>
    public static bool IsKeyId(string? text) =>
        text?.Length == IdPrefix.Length + IdLength
        && text.StartsWith(IdPrefix, StringComparison.Ordinal)
        && !text.AsSpan(IdPrefix.Length).ContainsAnyExcept(IdLetters);

    /// <summary>Reads a token.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="token">The token, when it is well formed.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out KeyToken? token)
    {
        token = null;
        if (text?.Length != Length || !text.StartsWith(TokenPrefix, StringComparison.Ordinal))
        {
            return false;
        }

        var keyId = string.Concat(IdPrefix, text.AsSpan(TokenPrefix.Length, IdLength));
        var secret = text[^SecretLength..];
        if (text[TokenPrefix.Length + IdLength] != '-' || !IsKeyId(keyId) || !IsBase64Url(secret))
        {
            return false;
        }

        token = new KeyToken(keyId, secret);
        return true;
    }

    /// <summary>The public half only, so that a token in a log line gives nothing away.</summary>
    public override string ToString() => $"{PrefixOf(KeyId)}-***";

    private static bool IsBase64Url(string text)
    {
        foreach (var letter in text)
        {
            if (!char.IsAsciiLetterOrDigit(letter) && letter is not ('-' or '_'))
            {
                return false;
            }
        }

        return true;
    }
}

using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Scheduler.Domain.Keys;

/// <summary>
/// A key as clients send it: <c>sk-{12 of a-z2-7}-{43 of A-Za-z0-9_-}</c>. The first part identifies the key
/// (<c>key-{12}</c>). The second part is the secret: 256 random bits in base64url.
/// </summary>
/// <param name="KeyId">Public half, as stored and shown: <c>key-…</c>.</param>
/// <param name="Secret">Secret half. Never logged, stored or returned.</param>
public sealed record KeyToken(string KeyId, string Secret)
{
    public const int IdLength = 12;

    public const int SecretLength = 43;

    public const int Length = 3 + IdLength + 1 + SecretLength;

    private static readonly SearchValues<char> IdLetters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz234567");

    private const string IdPrefix = "key-";
    private const string TokenPrefix = "sk-";

    /// <summary>The token as clients send it, including the secret.</summary>
    public string Reveal() => $"{PrefixOf(KeyId)}-{Secret}";

    /// <summary>The public prefix that all tokens of a key share.</summary>
    /// <param name="keyId">The key, <c>key-…</c>.</param>
    public static string PrefixOf(string keyId) => string.Concat(TokenPrefix, keyId.AsSpan(IdPrefix.Length));

    public static bool IsKeyId(string? text) =>
        text?.Length == IdPrefix.Length + IdLength
        && text.StartsWith(IdPrefix, StringComparison.Ordinal)
        && !text.AsSpan(IdPrefix.Length).ContainsAnyExcept(IdLetters);

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

    /// <summary>The public half only, so that log lines do not contain the secret.</summary>
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

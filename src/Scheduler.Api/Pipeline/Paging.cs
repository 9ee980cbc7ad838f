using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Scheduler.Edge;

namespace Scheduler.Api.Pipeline;

internal static class Paging
{
    public const int DefaultSize = 100;
    public const int LargestSize = 1000;
    private const int LongestToken = 1024;
    private const int DigestLength = 16;

    public static int SizeOf(int asked) => asked == 0 ? DefaultSize : asked;

    /// <summary>The token of the page after a cursor. It is valid for this query only.</summary>
    /// <param name="query">All parameters of the request that select its results, except page size and token.</param>
    /// <param name="cursor">The last item of the current page.</param>
    public static string Next(string query, string cursor) =>
        Base64Url.EncodeToString([.. Digest(query), .. Encoding.UTF8.GetBytes(cursor)]);

    public static string Next(string query, long cursor) => Next(query, cursor.ToString(CultureInfo.InvariantCulture));

    /// <summary>The cursor of a validated token; empty for the first page.</summary>
    public static string CursorOf(string token, string query) =>
        token.Length == 0 ? ""
        : TryRead(token, query, out var cursor) ? cursor
        : throw new InvalidOperationException("Unchecked token.");

    /// <summary>The number in a validated token; <paramref name="first"/> for the first page.</summary>
    public static long NumberOf(string token, string query, long first) =>
        CursorOf(token, query) is { Length: > 0 } cursor ? long.Parse(cursor, CultureInfo.InvariantCulture) : first;

    /// <param name="size">0 for the default.</param>
    /// <param name="token">Empty for the first page.</param>
    /// <param name="isCursor">Whether a text is a valid cursor of this list.</param>
    public static void CheckPage(this Faults faults, int size, string token, string query, Func<string, bool> isCursor)
    {
        if (size != 0)
        {
            faults.Range("page_size", size, 1, LargestSize);
        }

        if (token.Length > 0 && !(TryRead(token, query, out var cursor) && isCursor(cursor)))
        {
            faults.Add("page_token", "Is not the next_page_token of this query; ask again without it.");
        }
    }

    public static bool IsNumber(string cursor) =>
        long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out _);

    private static bool TryRead(string token, string query, [NotNullWhen(true)] out string? cursor)
    {
        cursor = null;
        if (token.Length > LongestToken || !Base64Url.IsValid(token))
        {
            return false;
        }

        var bytes = Base64Url.DecodeFromChars(token);
        if (bytes.Length <= DigestLength || !bytes.AsSpan(0, DigestLength).SequenceEqual(Digest(query)))
        {
            return false;
        }

        cursor = Encoding.UTF8.GetString(bytes, DigestLength, bytes.Length - DigestLength);
        return true;
    }

    private static byte[] Digest(string query) => SHA256.HashData(Encoding.UTF8.GetBytes(query))[..DigestLength];
}

using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Scheduler.Edge;

namespace Scheduler.Api.Edge;

/// <summary>Pages of a list: their size, and the token that leads from one to the next.</summary>
internal static class Paging
{
    public const int DefaultSize = 100;
    public const int LargestSize = 1000;
    private const int LongestToken = 1024;
    private const int DigestLength = 16;

    /// <summary>The size asked for.</summary>
    public static int SizeOf(int asked) => asked == 0 ? DefaultSize : asked;

    /// <summary>A token that goes on after a cursor, in this query alone.</summary>
    /// <param name="query">Everything but page size and token that the answer depends on.</param>
    /// <param name="cursor">Where the page ended.</param>
    public static string Next(string query, string cursor) =>
        Base64Url.EncodeToString([.. Digest(query), .. Encoding.UTF8.GetBytes(cursor)]);

    /// <summary>A token that goes on after a number.</summary>
    public static string Next(string query, long cursor) => Next(query, cursor.ToString(CultureInfo.InvariantCulture));

    /// <summary>The cursor in a token that was checked; empty for the first page.</summary>
    public static string CursorOf(string token, string query) =>
        token.Length == 0 ? ""
        : TryRead(token, query, out var cursor) ? cursor
        : throw new InvalidOperationException("Unchecked token.");

    /// <summary>The number in a token that was checked.</summary>
    public static long NumberOf(string token, string query, long first) =>
        CursorOf(token, query) is { Length: > 0 } cursor ? long.Parse(cursor, CultureInfo.InvariantCulture) : first;

    /// <summary>Notes what is wrong with size and token.</summary>
    /// <param name="faults">Where to.</param>
    /// <param name="size">As the caller wrote it; 0 for the default.</param>
    /// <param name="token">As the caller wrote it; empty for the first page.</param>
    /// <param name="query">The query it must belong to.</param>
    /// <param name="isCursor">Whether a cursor is one of this list's.</param>
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

    /// <summary>Whether a cursor is a number.</summary>
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

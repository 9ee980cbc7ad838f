using System.Security.Cryptography;
using System.Text;

namespace Scheduler.Domain.Ids;

/// <summary>Ids that follow from other ids, so that a repeated create finds the first resource.</summary>
public static class DerivedId
{
    /// <summary>Lower-case base 32: the characters of all generated ids.</summary>
    public const string Letters = "abcdefghijklmnopqrstuvwxyz234567";

    /// <param name="prefix">For example <c>i-</c>.</param>
    /// <param name="length">Characters after the prefix, 1 to 51.</param>
    /// <param name="source">What the id follows from; the same parts give the same id. No part contains a line feed.</param>
    public static string Of(string prefix, int length, params ReadOnlySpan<string> source)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', source)));
        return string.Create(
            prefix.Length + length,
            (prefix, digest),
            static (span, from) =>
            {
                from.prefix.CopyTo(span);
                var rest = span[from.prefix.Length..];
                for (var i = 0; i < rest.Length; i++)
                {
                    var bit = i * 5;
                    var pair = (from.digest[bit / 8] << 8) | from.digest[(bit / 8) + 1];
                    rest[i] = Letters[(pair >> (11 - (bit % 8))) & 31];
                }
            }
        );
    }
}

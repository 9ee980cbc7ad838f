using System.Security.Cryptography;
using System.Text;

namespace Scheduler.Edge;

/// <summary>
/// Makes ids: derived from the caller's idempotency id, so that a repeated create finds the first resource, or random.
/// </summary>
internal static class DerivedId
{
    private const string Letters = "abcdefghijklmnopqrstuvwxyz234567";

    /// <param name="prefix">For example <c>i-</c>.</param>
    /// <param name="length">Characters after the prefix, 1 to 51.</param>
    /// <param name="kind">
    /// Kind of the resource: the same idempotency id gives different ids for different kinds.
    /// </param>
    /// <param name="account">Empty for a resource of no account.</param>
    /// <param name="clientRequestId">The caller's idempotency id; empty for a random id.</param>
    public static string Make(string prefix, int length, string kind, string account, string clientRequestId)
    {
        if (clientRequestId.Length == 0)
        {
            return prefix + RandomNumberGenerator.GetString(Letters, length);
        }

        // None of the three can contain a line feed, so the joined text is unambiguous.
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}\n{account}\n{clientRequestId}"));
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

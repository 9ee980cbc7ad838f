using System.Security.Cryptography;
using Scheduler.Domain.Ids;

namespace Scheduler.Edge;

/// <summary>
/// Makes ids of new resources: derived from the caller's idempotency id, so that a repeated create finds the first resource, or random.
/// </summary>
internal static class NewId
{
    /// <param name="prefix">For example <c>i-</c>.</param>
    /// <param name="length">Characters after the prefix, 1 to 51.</param>
    /// <param name="kind">
    /// Kind of the resource: the same idempotency id gives different ids for different kinds.
    /// </param>
    /// <param name="account">Empty for a resource of no account.</param>
    /// <param name="clientRequestId">The caller's idempotency id; empty for a random id.</param>
    public static string Make(string prefix, int length, string kind, string account, string clientRequestId) =>
        clientRequestId.Length == 0
            ? prefix + RandomNumberGenerator.GetString(DerivedId.Letters, length)
            : DerivedId.Of(prefix, length, kind, account, clientRequestId);
}

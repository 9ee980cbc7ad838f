using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Scheduler.Domain.Balancers;

/// <summary>
/// Sends the requests of one key to the same member while it has room. Otherwise the next one in the order of that key gets
/// them. All gateways compute the same order.
/// </summary>
/// <remarks>
/// <para>
/// <b>The order</b> of a key is that of weighted rendezvous hashing: each member gets the score weight / -ln(u). Here u is
/// a number from 0 to 1 that depends on key and member only. A member that leaves therefore moves only its own keys,
/// and one that comes takes only its share.
/// </para>
/// <para>
/// <b>The bound</b> limits the requests in progress of a member to a multiple of its share of all requests in progress.
/// Some member is always below it. A few requests are free, because a runtime batches them at no cost.
/// </para>
/// </remarks>
public static class Affinity
{
    /// <summary>Requests in progress that a member may always have.</summary>
    public const int FreeRequests = 4;

    /// <summary>
    /// Of the mean, by weight. Lower values move more requests away from what their member remembers; higher ones let popular
    /// beginnings overload a member. Chosen by the figures of `tests/Scheduler.Benchmarks`.
    /// </summary>
    public const int StandardBoundPercent = 150;

    public const int LeastBoundPercent = 100;

    public const int MostBoundPercent = 1000;

    /// <summary>Spread number of a text: of a key, or of a member's name.</summary>
    public static ulong NumberOf(string text) => NumberOf(Encoding.UTF8.GetBytes(text));

    /// <inheritdoc cref="NumberOf(string)"/>
    public static ulong NumberOf(ReadOnlySpan<byte> text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text, hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }

    /// <param name="members">The available members; at least one, and no two with one number.</param>
    /// <param name="boundPercent">At least <see cref="LeastBoundPercent"/>.</param>
    public static int Pick(ulong key, ReadOnlySpan<AffinityMember> members, int boundPercent)
    {
        ArgumentOutOfRangeException.ThrowIfZero(members.Length, nameof(members));
        ArgumentOutOfRangeException.ThrowIfLessThan(boundPercent, LeastBoundPercent);
        // The new request counts too.
        var (requests, weights) = (1L, 0L);
        foreach (var member in members)
        {
            requests += member.Outstanding;
            weights += member.Weight;
        }

        var (best, bestScore) = (-1, -1.0);
        for (var i = 0; i < members.Length; i++)
        {
            if (members[i].Outstanding >= MostOf(members[i].Weight, weights, requests, boundPercent))
            {
                continue;
            }

            var score = members[i].Weight / -Math.Log(Between(key, members[i].Number));
            if (score > bestScore)
            {
                (best, bestScore) = (i, score);
            }
        }

        return best;
    }

    /// <summary>Most requests in progress of a member, the new one included.</summary>
    /// <param name="weights">Sum over all members.</param>
    /// <param name="requests">Requests in progress of all members, the new one included.</param>
    public static long MostOf(long weight, long weights, long requests, int boundPercent)
    {
        const int whole = 100;
        var share = (Int128)boundPercent * requests * weight;
        var of = (Int128)whole * weights;
        return Math.Max(FreeRequests, (long)((share + of - 1) / of));
    }

    /// <summary>A number above 0 and below 1 that depends on both.</summary>
    private static double Between(ulong key, ulong member)
    {
        // The finalizer of SplitMix64: every bit of the result depends on every bit of both numbers.
        unchecked
        {
            var x = key ^ (member * 0x9E3779B97F4A7C15);
            x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
            x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
            x ^= x >> 31;
            return ((x >> 12) + 0.5) / (1UL << 52);
        }
    }
}

/// <param name="Number">Of its name.</param>
/// <param name="Outstanding">Requests in progress, ≥ 0.</param>
/// <param name="Weight">≥ 1.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct AffinityMember(ulong Number, int Outstanding, long Weight);

using System.Runtime.InteropServices;

namespace Scheduler.Domain.Balancers;

/// <summary>Fewest requests in progress relative to weight; on a tie, the member picked longest ago.</summary>
public static class LeastOutstanding
{
    /// <param name="members">The available members; at least one.</param>
    public static int Pick(ReadOnlySpan<DestinationLoad> members)
    {
        ArgumentOutOfRangeException.ThrowIfZero(members.Length, nameof(members));
        var best = 0;
        for (var i = 1; i < members.Length; i++)
        {
            var order = Compare(members[i], members[best]);
            if (order < 0 || (order == 0 && members[i].LastTurn < members[best].LastTurn))
            {
                best = i;
            }
        }

        return best;
    }

    // Counts the new request too, so of two idle members the one with the larger weight wins.
    private static int Compare(in DestinationLoad one, in DestinationLoad other) =>
        ((Int128)(one.Outstanding + 1) * other.Weight).CompareTo((Int128)(other.Outstanding + 1) * one.Weight);
}

/// <param name="Outstanding">Requests in progress, ≥ 0.</param>
/// <param name="LastTurn">Sequence number of its latest pick; 0 for never.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct DestinationLoad(int Outstanding, long Weight, long LastTurn);

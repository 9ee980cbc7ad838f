using System.Runtime.InteropServices;

namespace Scheduler.Domain.Balancers;

/// <summary>Picks the member with the fewest requests under way for its weight; among equals the one whose last turn is longest ago.</summary>
public static class LeastOutstanding
{
    /// <summary>The next member.</summary>
    /// <param name="members">Who takes part now; at least one.</param>
    /// <returns>The index of the one picked.</returns>
    public static int Pick(ReadOnlySpan<Load> members)
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

    // With the new request counted, so that of two idle members the heavier is less loaded by it.
    private static int Compare(in Load one, in Load other) =>
        ((Int128)(one.Outstanding + 1) * other.Weight).CompareTo((Int128)(other.Outstanding + 1) * one.Weight);
}

/// <summary>How busy a member is.</summary>
/// <param name="Outstanding">Requests under way, at least 0.</param>
/// <param name="Weight">At least 1.</param>
/// <param name="LastTurn">Counts picks: when it was last picked, 0 for never.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Load(int Outstanding, long Weight, long LastTurn);

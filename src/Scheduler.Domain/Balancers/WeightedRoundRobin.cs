using System.Runtime.InteropServices;

namespace Scheduler.Domain.Balancers;

/// <summary>
/// Gives each member its share of the requests, by weight and spread out evenly: counted from the beginning, nobody is ever a whole
/// request ahead of or behind his exact share.
/// </summary>
/// <remarks>
/// Each pick earns every member its weight and costs the one picked the sum of all weights. Whoever has earned something may be
/// picked; among those it is the one who would be first to be owed a whole request. Taking the most earned instead would be simpler, and lets
/// light members fall more than one request behind where there are many. Weights may change from pick to pick (a slow return): what was earned
/// keeps its worth in requests.
/// </remarks>
public sealed class WeightedRoundRobin
{
    private readonly Dictionary<string, long> _earned = new(StringComparer.Ordinal);
    private long _sum;

    /// <summary>The next member.</summary>
    /// <param name="members">Who takes part now, each once; at least one who may be picked.</param>
    /// <returns>The index of the one picked.</returns>
    public int Pick(ReadOnlySpan<Share> members)
    {
        Settle(members);
        var best = -1;
        var bestIsOwed = false;
        for (var i = 0; i < members.Length; i++)
        {
            var earned = _earned[members[i].Name] += members[i].Weight;
            if (!members[i].MayBePicked)
            {
                continue;
            }

            var isOwed = earned > 0;
            if (best < 0 || (isOwed && !bestIsOwed) || (isOwed == bestIsOwed && IsDueSooner(members[i], members[best])))
            {
                (best, bestIsOwed) = (i, isOwed);
            }
        }

        ArgumentOutOfRangeException.ThrowIfNegative(best, nameof(members));
        _earned[members[best].Name] -= _sum;
        return best;
    }

    // When a member's earnings reach the whole sum it is owed a request: (sum - earned) / weight picks from now.
    private bool IsDueSooner(in Share one, in Share other) =>
        (Int128)(_sum - _earned[one.Name]) * other.Weight < (Int128)(_sum - _earned[other.Name]) * one.Weight;

    /// <summary>Brings what was earned into the terms of the present members and weights. Together they have always earned nothing.</summary>
    private void Settle(ReadOnlySpan<Share> members)
    {
        var sum = 0L;
        foreach (var member in members)
        {
            sum += member.Weight;
        }

        var isSame = sum == _sum && _earned.Count == members.Length;
        for (var i = 0; isSame && i < members.Length; i++)
        {
            isSame = _earned.ContainsKey(members[i].Name);
        }

        if (isSame)
        {
            return;
        }

        var before = new Dictionary<string, long>(_earned, StringComparer.Ordinal);
        var left = 0L;
        _earned.Clear();
        foreach (var member in members)
        {
            var earned = before.TryGetValue(member.Name, out var kept) ? (long)((Int128)kept * sum / _sum) : 0;
            _earned[member.Name] = earned;
            left += earned;
        }

        // What those who left had earned or owed is shared by those who stay, by weight; rounding goes to the first.
        var shared = 0L;
        foreach (var member in members)
        {
            var part = (long)((Int128)left * member.Weight / sum);
            _earned[member.Name] -= part;
            shared += part;
        }

        _earned[members[0].Name] -= left - shared;
        _sum = sum;
    }
}

/// <summary>A member and its weight at this moment.</summary>
/// <param name="Name">Who.</param>
/// <param name="Weight">At least 1; weights of one pick add up to less than 2^40.</param>
/// <param name="MayBePicked">False for one this request has tried already: it earns its share and is not taken.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Share(string Name, long Weight, bool MayBePicked = true);

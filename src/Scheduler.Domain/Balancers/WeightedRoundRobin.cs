using System.Runtime.InteropServices;

namespace Scheduler.Domain.Balancers;

/// <summary>
/// Distributes requests over members in proportion to weight, evenly over time: at any time each member is less than
/// one whole request ahead of or behind its exact share.
/// </summary>
/// <remarks>
/// Each pick credits every member with its weight and charges the picked member the sum of all weights. Members with
/// positive credit are eligible. Among them, the pick is the member whose credit would be the first to reach the sum,
/// which is one whole request. Picking the highest credit would be simpler, but with many members light ones then fall
/// more than one request behind. Weights may change between picks (slow return); credit keeps its value in requests.
/// </remarks>
public sealed class WeightedRoundRobin
{
    private readonly Dictionary<string, long> _earned = new(StringComparer.Ordinal);
    private long _sum;

    /// <param name="members">No duplicates; at least one with <see cref="Share.MayBePicked"/>.</param>
    public int Pick(ReadOnlySpan<Share> members)
    {
        Settle(members);
        var best = -1;
        var bestHasCredit = false;
        for (var i = 0; i < members.Length; i++)
        {
            var earned = _earned[members[i].Name] += members[i].Weight;
            if (!members[i].MayBePicked)
            {
                continue;
            }

            var hasCredit = earned > 0;
            if (
                best < 0
                || (hasCredit && !bestHasCredit)
                || (hasCredit == bestHasCredit && IsDueSooner(members[i], members[best]))
            )
            {
                (best, bestHasCredit) = (i, hasCredit);
            }
        }

        ArgumentOutOfRangeException.ThrowIfNegative(best, nameof(members));
        _earned[members[best].Name] -= _sum;
        return best;
    }

    // A member is due a request when its credit reaches the sum, which is (sum - credit) / weight picks from now.
    private bool IsDueSooner(in Share one, in Share other) =>
        (Int128)(_sum - _earned[one.Name]) * other.Weight < (Int128)(_sum - _earned[other.Name]) * one.Weight;

    /// <summary>Converts the credits to the current members and weights. The credits always add up to zero.</summary>
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

        // The remaining members share the credit of removed ones by weight; the first takes the rounding.
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

/// <param name="Weight">≥ 1; the weights of one pick add up to less than 2^40.</param>
/// <param name="MayBePicked">False when this request has tried it: it gets credit but is not picked.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Share(string Name, long Weight, bool MayBePicked = true);

using System.Globalization;
using FsCheck;
using FsCheck.Xunit;
using Scheduler.Domain.Balancers;
using Xunit;

namespace Scheduler.DomainTests.Balancers;

public sealed class AffinityTests
{
    private const int Bound = Affinity.StandardBoundPercent;

    [Property(MaxTest = 300)]
    public void No_member_exceeds_the_load_bound_in_any_sequence(
        NonEmptyArray<byte> weights,
        NonEmptyArray<byte> steps,
        byte bound
    )
    {
        var members = Members(weights.Get);
        var percent = Affinity.LeastBoundPercent + bound;
        var open = new List<int>();
        foreach (var step in steps.Get)
        {
            // Three of four steps begin a request, with one of 16 keys; the others end one.
            if (step % 4 == 3 && open.Count > 0)
            {
                var ended = open[step % open.Count];
                open.Remove(ended);
                members[ended] = members[ended] with { Outstanding = members[ended].Outstanding - 1 };
                continue;
            }

            var picked = Affinity.Pick((ulong)step / 16, members, percent);
            open.Add(picked);
            members[picked] = members[picked] with { Outstanding = members[picked].Outstanding + 1 };
            var most = (decimal)percent * open.Count * members[picked].Weight / (100m * members.Sum(m => m.Weight));
            Assert.InRange(members[picked].Outstanding, 1, Math.Max(Affinity.FreeRequests, Math.Ceiling(most)));
        }
    }

    [Property(MaxTest = 300)]
    public void A_key_stays_while_membership_and_load_permit(ulong key, NonEmptyArray<byte> weights, ulong order)
    {
        var members = Members(weights.Get);
        var picked = members[Affinity.Pick(key, members, Bound)];
        var shuffled = members.OrderBy(member => member.Number ^ order).ToArray();
        Assert.Equal(picked, shuffled[Affinity.Pick(key, shuffled, Bound)]);

        // As many requests elsewhere as there may be change nothing.
        var busy = members.Select(m => m == picked ? m : m with { Outstanding = 100 }).ToArray();
        Assert.Equal(picked, busy[Affinity.Pick(key, busy, Bound)]);
    }

    [Property(MaxTest = 300)]
    public void A_member_that_leaves_moves_only_its_keys_and_one_that_comes_takes_only_its_own(
        ulong key,
        NonEmptyArray<byte> weights,
        byte which
    )
    {
        var all = Members([.. weights.Get, 1]);
        var gone = all[which % all.Length];
        var rest = all.Where(member => member != gone).ToArray();
        var (with, without) = (all[Affinity.Pick(key, all, Bound)], rest[Affinity.Pick(key, rest, Bound)]);
        Assert.True(with == gone || with == without);
    }

    [Property(MaxTest = 300)]
    public void A_heavier_member_keeps_all_its_keys(ulong key, NonEmptyArray<byte> weights, byte which)
    {
        // A destination that returns slowly grows in weight.
        var members = Members(weights.Get);
        var at = which % members.Length;
        var heavier = members.ToArray();
        heavier[at] = heavier[at] with { Weight = heavier[at].Weight * 2 };
        var (before, after) = (Affinity.Pick(key, members, Bound), Affinity.Pick(key, heavier, Bound));
        Assert.True(after == before || after == at);
    }

    [Fact]
    public void Keys_are_shared_by_weight()
    {
        const int keys = 40_000;
        var members = Members([4, 2, 1, 0]);
        var picked = new int[members.Length];
        for (var key = 0; key < keys; key++)
        {
            picked[Affinity.Pick(Affinity.NumberOf(key.ToString(CultureInfo.InvariantCulture)), members, Bound)]++;
        }

        // Weights 5, 3, 2 and 1; more than four standard deviations of the largest.
        Assert.All(
            picked.Zip(members),
            one =>
                Assert.InRange(one.First, (keys * one.Second.Weight / 11) - 400, (keys * one.Second.Weight / 11) + 400)
        );
    }

    [Fact]
    public void The_numbers_of_names_and_keys_are_the_same_in_every_process() =>
        Assert.Equal(0xDEE82C76777F6E6BUL, Affinity.NumberOf("chat-a"));

    /// <summary>Idle members with the weights, plus 1.</summary>
    private static AffinityMember[] Members(byte[] weights) =>
        [.. weights.Take(32).Select((weight, i) => new AffinityMember(Affinity.NumberOf($"m-{i}"), 0, weight + 1))];
}

using FsCheck;
using FsCheck.Xunit;
using Scheduler.Domain.Balancers;
using Xunit;

namespace Scheduler.DomainTests.Balancers;

public sealed class WeightedRoundRobinTests
{
    private const int MostMembers = 12;

    [Property(MaxTest = 300)]
    public void From_the_start_every_member_is_less_than_one_request_off_its_share(NonEmptyArray<ushort> weights)
    {
        var members = Members(weights.Get);
        var sum = members.Sum(member => member.Weight);
        var (turns, picked) = (new WeightedRoundRobin(), new long[members.Length]);
        for (var pick = 1; pick <= 2_000; pick++)
        {
            picked[turns.Pick(members)]++;
            for (var i = 0; i < members.Length; i++)
            {
                // |picked - pick * weight / sum| < 1, in whole numbers.
                Assert.True(Math.Abs((picked[i] * sum) - (pick * members[i].Weight)) < sum, $"member {i}, pick {pick}");
            }
        }
    }

    [Property(MaxTest = 100)]
    public void In_any_sequence_every_member_is_less_than_two_requests_off_its_share(
        NonEmptyArray<byte> weights,
        byte begin,
        PositiveInt length
    )
    {
        var members = Members([.. weights.Get.Select(weight => (ushort)weight)]);
        var sum = members.Sum(member => member.Weight);
        var turns = new WeightedRoundRobin();
        for (var i = 0; i < begin; i++)
        {
            turns.Pick(members);
        }

        var picked = new long[members.Length];
        for (var i = 0; i < length.Get; i++)
        {
            picked[turns.Pick(members)]++;
        }

        Assert.All(
            members.Zip(picked),
            pair => Assert.True(Math.Abs((pair.Second * sum) - (length.Get * pair.First.Weight)) < 2 * sum)
        );
    }

    [Property(MaxTest = 100)]
    public void After_a_change_of_weights_and_members_the_new_shares_apply(
        NonEmptyArray<ushort> before,
        NonEmptyArray<ushort> after,
        byte picks
    )
    {
        var turns = new WeightedRoundRobin();
        var (old, members) = (Members(before.Get), Members(after.Get));
        for (var i = 0; i < picks; i++)
        {
            turns.Pick(old);
        }

        var sum = members.Sum(member => member.Weight);
        var picked = new long[members.Length];
        for (var pick = 1; pick <= 1_000; pick++)
        {
            picked[turns.Pick(members)]++;
        }

        // Credit from before the change is carried over: one request of the member itself and its share of the removed
        // members' credit.
        Assert.All(
            members.Zip(picked),
            pair => Assert.True(Math.Abs((pair.Second * sum) - (1_000 * pair.First.Weight)) < 4 * sum)
        );
    }

    [Fact]
    public void Turns_of_a_heavy_member_are_spread_out()
    {
        var turns = new WeightedRoundRobin();
        Share[] members = [new("a", 5), new("b", 1), new("c", 1)];
        var order = string.Concat(Enumerable.Range(0, 14).Select(_ => members[turns.Pick(members)].Name));
        Assert.DoesNotContain("aaaa", order, StringComparison.Ordinal);
        Assert.Equal(order[..7], order[7..]);
        Assert.Equal("aaaaabc", string.Concat(order[..7].Order()));
    }

    [Fact]
    public void A_member_that_may_not_be_picked_is_skipped_and_catches_up_later()
    {
        var turns = new WeightedRoundRobin();
        Share[] members = [new("a", 1), new("b", 1)];
        Share[] withoutA = [new("a", 1, MayBePicked: false), new("b", 1)];
        Assert.Equal(1, turns.Pick(withoutA));
        Assert.Equal(1, turns.Pick(withoutA));
        Assert.Equal([0, 0], [turns.Pick(members), turns.Pick(members)]);
        Assert.Throws<ArgumentOutOfRangeException>(() => turns.Pick([new("a", 1, MayBePicked: false)]));
    }

    private static Share[] Members(ushort[] weights) =>
        [.. weights.Take(MostMembers).Select((weight, i) => new Share($"m{i}", (weight % 1000) + 1))];
}

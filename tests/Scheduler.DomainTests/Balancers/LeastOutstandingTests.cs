using FsCheck;
using FsCheck.Xunit;
using Scheduler.Domain.Balancers;
using Xunit;

namespace Scheduler.DomainTests.Balancers;

public sealed class LeastOutstandingTests
{
    [Property(MaxTest = 500)]
    public void The_picked_member_has_the_lowest_load_for_its_weight(
        NonEmptyArray<(byte Outstanding, byte Weight, byte LastTurn)> members
    )
    {
        DestinationLoad[] loads =
        [
            .. members.Get.Select(m => new DestinationLoad(m.Outstanding, m.Weight + 1, m.LastTurn)),
        ];
        var picked = loads[LeastOutstanding.Pick(loads)];
        Assert.All(
            loads,
            other =>
            {
                var (ours, theirs) = (
                    (picked.Outstanding + 1L) * other.Weight,
                    (other.Outstanding + 1L) * picked.Weight
                );
                Assert.True(ours < theirs || (ours == theirs && picked.LastTurn <= other.LastTurn));
            }
        );
    }

    [Fact]
    public void Members_with_equal_load_take_turns()
    {
        var last = new long[3];
        var order = new List<int>();
        for (var turn = 1; turn <= 9; turn++)
        {
            var picked = LeastOutstanding.Pick([.. last.Select(l => new DestinationLoad(0, 1, l))]);
            last[picked] = turn;
            order.Add(picked);
        }

        Assert.Equal([0, 1, 2, 0, 1, 2, 0, 1, 2], order);
    }

    [Fact]
    public void Open_requests_are_distributed_in_proportion_to_the_weights()
    {
        int[] weights = [6, 3, 1];
        var (outstanding, last) = (new int[3], new long[3]);
        for (var turn = 1; turn <= 100; turn++)
        {
            var picked = LeastOutstanding.Pick([
                .. weights.Select((w, i) => new DestinationLoad(outstanding[i], w, last[i])),
            ]);
            outstanding[picked]++;
            last[picked] = turn;
        }

        Assert.Equal([60, 30, 10], outstanding);
    }
}

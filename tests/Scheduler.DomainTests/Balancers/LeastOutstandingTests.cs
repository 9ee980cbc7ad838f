using FsCheck;
using FsCheck.Xunit;
using Scheduler.Domain.Balancers;
using Xunit;

namespace Scheduler.DomainTests.Balancers;

public sealed class LeastOutstandingTests
{
    [Property(MaxTest = 500)]
    public void The_one_picked_is_the_least_loaded_for_its_weight_with_the_new_request_counted(
        NonEmptyArray<(byte Outstanding, byte Weight, byte LastTurn)> members
    )
    {
        Load[] loads = [.. members.Get.Select(m => new Load(m.Outstanding, m.Weight + 1, m.LastTurn))];
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
    public void Equals_take_turns()
    {
        var last = new long[3];
        var order = new List<int>();
        for (var turn = 1; turn <= 9; turn++)
        {
            var picked = LeastOutstanding.Pick([.. last.Select(l => new Load(0, 1, l))]);
            last[picked] = turn;
            order.Add(picked);
        }

        Assert.Equal([0, 1, 2, 0, 1, 2, 0, 1, 2], order);
    }

    [Fact]
    public void Requests_that_stay_under_way_pile_up_in_the_proportion_of_the_weights()
    {
        int[] weights = [6, 3, 1];
        var (outstanding, last) = (new int[3], new long[3]);
        for (var turn = 1; turn <= 100; turn++)
        {
            var picked = LeastOutstanding.Pick([.. weights.Select((w, i) => new Load(outstanding[i], w, last[i]))]);
            outstanding[picked]++;
            last[picked] = turn;
        }

        Assert.Equal([60, 30, 10], outstanding);
    }
}

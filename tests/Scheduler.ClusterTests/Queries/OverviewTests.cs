using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Grains;
using Scheduler.Grains.Queries;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Queries;

public sealed class OverviewTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task INV_08_an_overview_shows_operators_everything_and_accounts_their_own_data()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var (mine, other) = (await scheduler.AccountAsync("mine"), await scheduler.AccountAsync("other"));
        var running = await scheduler.RunningAsync(mine);
        await scheduler.CreateAsync(other);
        await FailAsync(scheduler, other);
        // Twelve buckets of five minutes: the earlier failures are in the second to last, the later ones in the last.
        scheduler.Clock.Advance(TimeSpan.FromMinutes(5));
        await FailAsync(scheduler, mine);
        await FailAsync(scheduler, other);
        await Eventually.UntilAsync(
            () => scheduler.MoneyAsync(mine),
            money => money.Running == 1,
            "the run is metered"
        );
        var fleet = scheduler.Grains.Fleet();

        var seen = await fleet.OverviewAsync(mine, Hour, 12);
        Assert.Equal(scheduler.Clock.GetUtcNow(), seen.At);
        Assert.Equal(
            [(InstanceState.Running, 1L), (InstanceState.Failed, 1L)],
            seen.Instances.Select(pair => (pair.Key, pair.Value))
        );
        AssertSeries([(11, 1)], seen);
        Assert.Equal(running.Intent!.PriceSnapshot, seen.BurnPerHour);
        var (ours, others) = (await scheduler.MoneyAsync(mine), await scheduler.MoneyAsync(other));
        Assert.NotEqual(MicroEuro.Zero, ours.Holds);
        Assert.Equal((ours.Holds, 0L), (seen.Held, seen.Debtors));

        var theirs = await fleet.OverviewAsync(other, Hour, 12);
        Assert.Equal(
            [(InstanceState.Stopped, 1L), (InstanceState.Failed, 2L)],
            theirs.Instances.Select(pair => (pair.Key, pair.Value))
        );
        AssertSeries([(10, 1), (11, 1)], theirs);
        Assert.Equal(MicroEuro.Zero, theirs.BurnPerHour);

        var all = await fleet.OverviewAsync(null, Hour, 12);
        Assert.Equal(5, all.Instances.Values.Sum());
        AssertSeries([(10, 1), (11, 2)], all);
        Assert.Equal(running.Intent.PriceSnapshot, all.BurnPerHour);
        Assert.Equal(ours.Holds + others.Holds, all.Held);

        var nobody = await fleet.OverviewAsync(Make.Account("nobody"), Hour, 12);
        Assert.Empty(nobody.Instances);
        Assert.Empty(nobody.Failures);

        Assert.Equal(3, (await fleet.RecentFailuresAsync(FailureCode.SmartNoMatch, null, 100)).Length);
        var own = await fleet.RecentFailuresAsync(FailureCode.SmartNoMatch, mine, 100);
        Assert.Equal(mine, Assert.Single(own).Subject.Account);
        Assert.Empty(await fleet.RecentFailuresAsync(FailureCode.OomKilled, null, 100));
    }

    [Fact]
    public async Task An_overview_includes_held_money_within_the_access_scope()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var (mine, other) = (await scheduler.AccountAsync("mine"), await scheduler.AccountAsync("other"));
        scheduler.Cloud.Otherwise = AllocateAnswer.Hang;
        var id = await scheduler.CreateAsync(mine);
        await scheduler.LaunchAsync(id);
        var fleet = scheduler.Grains.Fleet();

        var held = (await scheduler.SeeAsync(id)).Intent!.Hold;
        Assert.Equal(held, (await fleet.OverviewAsync(mine, Hour, 1)).Held);
        Assert.Equal(held, (await fleet.OverviewAsync(null, Hour, 1)).Held);
        Assert.Equal(MicroEuro.Zero, (await fleet.OverviewAsync(other, Hour, 1)).Held);
    }

    [Fact]
    public async Task The_pulse_changes_with_every_command_and_a_count_stops_at_its_limit()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var fleet = scheduler.Grains.Fleet();
        var pulse = await fleet.PulseAsync();
        for (var i = 1; i <= 5; i++)
        {
            await scheduler.CreateAsync(account);
            var next = await fleet.PulseAsync();
            Assert.NotEqual(pulse, next);
            pulse = next;
        }

        Assert.Equal(5, await fleet.CountInstancesAsync(new InstanceQuery { Account = account }, 100));
        Assert.Equal(3, await fleet.CountInstancesAsync(new InstanceQuery(), 3));
    }

    [Theory]
    [InlineData(59, 1)]
    [InlineData(31 * 86_400 + 1, 1)]
    [InlineData(60, 0)]
    [InlineData(60, 201)]
    public async Task Out_of_range_arguments_are_refused(int seconds, int buckets)
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var fleet = scheduler.Grains.Fleet();
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() =>
            fleet.OverviewAsync(null, TimeSpan.FromSeconds(seconds), buckets)
        );
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() =>
            fleet.RecentFailuresAsync(FailureCode.OomKilled, null, 101)
        );
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() =>
            fleet.RecentFailuresAsync(FailureCode.None, null, 1)
        );
    }

    private static void AssertSeries((int Bucket, long Count)[] expected, FleetOverview seen)
    {
        var series = Assert.Single(seen.Failures);
        Assert.Equal(FailureCode.SmartNoMatch, series.Code);
        Assert.Equal(12, series.Counts.Length);
        Assert.Equal(expected, series.Counts.Index().Where(bucket => bucket.Item > 0));
    }

    private static async Task FailAsync(TestScheduler scheduler, Domain.Ids.AccountId account)
    {
        var id = await scheduler.CreateAsync(
            account,
            Make.Spec(SmartConstraints.None with { MaxPricePerHour = Make.Euros(0.01m) })
        );
        await scheduler.LaunchAsync(id);
        await scheduler.SettledAsync(id, InstanceState.Failed);
    }
}

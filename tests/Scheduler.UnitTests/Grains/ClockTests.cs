using FsCheck.Xunit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Storage;
using Scheduler.Grains;
using Scheduler.Grains.Health;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.UnitTests.Grains;

public sealed class ClockTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Property]
    public void Setting_the_wall_clock_changes_no_duration((ushort Runs, int Step)[] steps)
    {
        var fake = new FakeTimeProvider(Noon);
        var machine = new SteppedClock(fake);
        var clock = SteadyClock.Start(machine);
        foreach (var (runs, step) in steps)
        {
            fake.Advance(TimeSpan.FromMilliseconds(runs));
            machine.Offset += TimeSpan.FromSeconds(step);
            Assert.Equal(fake.GetUtcNow(), clock.GetUtcNow());
            Assert.Equal(fake.GetUtcNow() + machine.Offset, clock.Wall);
        }
    }

    [Fact]
    public void A_silo_starts_with_the_time_of_the_database_whatever_its_own_clock_says()
    {
        var machine = new SteppedClock(new FakeTimeProvider(Noon)) { Offset = Day };
        Assert.Equal(Noon, SteadyClock.Continue(machine, new Store { Wall = Noon }).GetUtcNow());
    }

    [Fact]
    public void A_start_continues_the_stored_time_by_what_passed_on_the_wall_clock()
    {
        var machine = new SteppedClock(new FakeTimeProvider(Noon)) { Offset = Day };
        var store = new Store
        {
            Mark = new ClockMark(Noon - TimeSpan.FromHours(1), Noon + Day - TimeSpan.FromHours(1)),
            IsMeasuring = true,
        };
        Assert.Equal(Noon, SteadyClock.Continue(machine, store).GetUtcNow());
    }

    [Theory]
    [InlineData(0, 0, true, "the scheduler's time agrees with the database's clock")]
    [InlineData(59, -59, true, "the scheduler's time agrees with the database's clock")]
    [InlineData(61, 0, false, "this host's clock is 61 s ahead of the database's clock: correct the wrong one")]
    [InlineData(-86400, 0, false, "this host's clock is 86400 s behind the database's clock: correct the wrong one")]
    [InlineData(
        0,
        86400,
        false,
        "the scheduler's time is 86400 s ahead of the database's clock, which was set; a start while nothing runs follows it"
    )]
    public async Task Readiness_tells_a_clock_that_disagrees_with_the_database(
        int host,
        int scheduler,
        bool isOk,
        string finding
    )
    {
        var fake = new FakeTimeProvider(Noon);
        var machine = new SteppedClock(fake);
        var store = new Store { Wall = Noon };
        using var keeper = Keeper(store, new SteadyClock(machine, Noon.AddSeconds(scheduler)));
        machine.Offset = TimeSpan.FromSeconds(host);
        Assert.Equal(new HealthLine("clock", true, "not compared yet"), keeper.Line());

        await keeper.StartAsync(Ct);
        await Eventually.TrueAsync(() => keeper.Latest is not null, "the clocks are compared");

        Assert.Equal(new HealthLine("clock", isOk, finding), keeper.Line());
    }

    [Fact]
    public async Task A_step_of_the_only_clock_is_told_and_keeps_the_process_ready()
    {
        var fake = new FakeTimeProvider(Noon);
        var machine = new SteppedClock(fake);
        var store = new Store();
        using var keeper = Keeper(store, SteadyClock.Start(machine));
        await keeper.StartAsync(Ct);
        await Eventually.TrueAsync(() => keeper.Latest is not null, "the clocks are compared");

        machine.Offset = -Day;
        fake.Advance(TimeSpan.FromSeconds(5));
        await Eventually.TrueAsync(() => keeper.Latest!.Ahead == Day, "the step is seen");

        Assert.Equal(
            new HealthLine(
                "clock",
                true,
                "the scheduler's time is 86400 s ahead of this host's clock, which was set; a start while nothing runs follows it"
            ),
            keeper.Line()
        );
        Assert.Equal(new ClockMark(Noon.AddSeconds(5), Noon.AddSeconds(5) - Day), store.Mark);
    }

    private static ClockKeeper Keeper(Store store, SteadyClock clock) =>
        new(store, clock, Options.Create(new SchedulerOptions()), NullLogger<ClockKeeper>.Instance);

    private sealed class Store : IStoredClock
    {
        public ClockMark? Mark { get; set; }

        public DateTimeOffset? Wall { get; init; }

        public bool IsMeasuring { get; init; }

        public StoredTime Read() => new(Mark, Wall, IsMeasuring);

        public Task WriteAsync(DateTimeOffset time, DateTimeOffset wall, CancellationToken cancellationToken)
        {
            Mark = new ClockMark(time, Wall ?? wall);
            return Task.CompletedTask;
        }

        public Task<DateTimeOffset?> WallAsync(CancellationToken cancellationToken) => Task.FromResult(Wall);
    }
}

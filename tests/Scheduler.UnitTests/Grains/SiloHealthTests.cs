using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Storage;
using Scheduler.Grains;
using Scheduler.Grains.Health;
using Scheduler.Grains.Providers;
using Scheduler.Grains.Telemetry;
using Xunit;

namespace Scheduler.UnitTests.Grains;

public sealed class SiloHealthTests : IDisposable
{
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly ServiceProvider _services = new ServiceCollection()
        .AddMetrics()
        .AddSingleton<SchedulerMetrics>()
        .BuildServiceProvider();
    private readonly Store _store = new();
    private readonly ClockKeeper _keeper;
    private readonly SiloHealth _health;

    public SiloHealthTests()
    {
        var directory = new ProviderDirectory([], _services.GetRequiredService<SchedulerMetrics>(), _clock);
        _keeper = new ClockKeeper(
            new NoClock(),
            _clock,
            Options.Create(new SchedulerOptions()),
            NullLogger<ClockKeeper>.Instance
        );
        _health = new SiloHealth(
            _store,
            new OfferCatalogue(directory, _clock),
            _keeper,
            _clock,
            NullLogger<SiloHealth>.Instance
        );
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<Exception, string> Faults =>
        new()
        {
            {
                new StorageFullException("at /secret/path"),
                "is full: it takes no write until there is room on its disk"
            },
            { new StorageReadOnlyException("at /secret/path"), "is read-only: it takes no write" },
            { new StorageException("at /secret/path"), "takes no write; the log has the cause" },
            { new InvalidOperationException("at /secret/path"), "takes no write; the log has the cause" },
            { new TimeoutException("at /secret/path"), "takes no write; the log has the cause" },
        };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_store_that_takes_no_write_is_not_ready_with_the_reason(Exception fault, string finding)
    {
        _store.Answer = () => Task.FromException(fault);
        Assert.Equal(new HealthLine("store", false, finding), await LineAsync());
    }

    [Fact]
    public async Task A_slow_store_is_not_ready_within_two_seconds_and_gets_no_second_write()
    {
        var write = new TaskCompletionSource();
        _store.Answer = () => write.Task;
        for (var i = 0; i < 3; i++)
        {
            var line = LineAsync();
            _clock.Advance(TimeSpan.FromSeconds(2));
            Assert.Equal(new HealthLine("store", false, "has not taken a write in 2 s"), await line);
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(1, _store.Writes);
        write.SetResult();
        _clock.Advance(TimeSpan.FromSeconds(3));
        Assert.True((await LineAsync()).IsOk);
    }

    [Fact]
    public async Task Any_number_of_probes_writes_once_in_three_seconds()
    {
        for (var write = 1; write <= 3; write++)
        {
            for (var second = 0; second < 3; second++)
            {
                Assert.All(
                    await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => LineAsync())),
                    line => Assert.True(line.IsOk)
                );
                Assert.Equal(write, _store.Writes);
                _clock.Advance(TimeSpan.FromSeconds(1));
            }
        }
    }

    public void Dispose()
    {
        _keeper.Dispose();
        _services.Dispose();
    }

    private async Task<HealthLine> LineAsync() =>
        Assert.Single(await _health.CheckAsync(Ct), line => line.Name == "store");

    /// <summary>Never asked: the keeper is not started.</summary>
    private sealed class NoClock : IStoredClock
    {
        public StoredTime Read() => throw new NotSupportedException();

        public Task WriteAsync(DateTimeOffset time, DateTimeOffset wall, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<DateTimeOffset?> WallAsync(CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }

    private sealed class Store : IStoreProbe
    {
        public Func<Task> Answer { get; set; } = () => Task.CompletedTask;

        public int Writes { get; private set; }

        public Task WriteAsync(DateTimeOffset now, CancellationToken cancellationToken)
        {
            Writes++;
            return Answer();
        }
    }
}

using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Dashboard.Live;
using Scheduler.TestKit;
using Scheduler.UnitTests.Api;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Live;

public sealed class PulseTests : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    private readonly FakeCluster _cluster = new();
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly Lifetime _lifetime = new();
    private readonly Pulse _pulse;

    public PulseTests() => _pulse = new Pulse(_cluster, _clock, _lifetime, NullLogger<Pulse>.Instance);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _lifetime.StopApplication();
        _clock.Advance(Second);
        _lifetime.Dispose();
    }

    [Fact]
    public async Task The_fleet_is_polled_once_a_second_however_many_tabs_are_open()
    {
        var tabs = Enumerable.Range(0, 20).Select(_ => new Listener(_pulse)).ToList();
        await PolledAsync(1);
        var start = _clock.GetUtcNow();

        await PolledAsync(6);

        var elapsed = (_clock.GetUtcNow() - start).TotalSeconds;
        Assert.InRange(_cluster.Pulse.Asked, 6, 1 + elapsed);
        await CloseAsync(tabs);
    }

    [Fact]
    public async Task Without_an_open_tab_the_fleet_is_not_polled()
    {
        await PassAsync(5);
        Assert.Equal(0, _cluster.Pulse.Asked);

        var tab = new Listener(_pulse);
        await PolledAsync(2);
        await CloseAsync([tab]);
        var asked = _cluster.Pulse.Asked;
        await PassAsync(5);
        Assert.Equal(asked, _cluster.Pulse.Asked);

        // A new tab starts the polling again.
        var another = new Listener(_pulse);
        await PolledAsync(asked + 1);
        _cluster.Pulse.Beat();
        await ReceivedAsync(another, 1);
        await CloseAsync([another]);
    }

    [Fact]
    public async Task Every_tab_is_notified_of_each_change_and_only_of_changes()
    {
        var tabs = Enumerable.Range(0, 3).Select(_ => new Listener(_pulse)).ToList();
        await PolledAsync(4);
        Assert.All(tabs, tab => Assert.Equal(0, tab.Received));

        for (var beats = 1; beats <= 3; beats++)
        {
            _cluster.Pulse.Beat();
            foreach (var tab in tabs)
            {
                await ReceivedAsync(tab, beats);
            }
        }

        await PolledAsync(_cluster.Pulse.Asked + 3);
        Assert.All(tabs, tab => Assert.Equal(3, tab.Received));
        await CloseAsync(tabs);
    }

    [Fact]
    public async Task Changes_faster_than_a_reader_are_merged_into_one()
    {
        await using var slow = _pulse.BeatsAsync(Ct).GetAsyncEnumerator(Ct);
        var first = slow.MoveNextAsync().AsTask();
        await PolledAsync(1);
        _cluster.Pulse.Beat();
        await Eventually.TrueAsync(() => first.IsCompleted, "the first beat", _clock, Step);
        for (var i = 0; i < 5; i++)
        {
            _cluster.Pulse.Beat();
            await PolledAsync(_cluster.Pulse.Asked + 2);
        }

        Assert.True(await slow.MoveNextAsync());
        var third = slow.MoveNextAsync().AsTask();
        await PolledAsync(_cluster.Pulse.Asked + 2);
        Assert.False(third.IsCompleted);
        _cluster.Pulse.Beat();
        await Eventually.TrueAsync(() => third.IsCompleted, "the beat after", _clock, Step);
    }

    [Theory]
    [InlineData(typeof(TimeoutException))]
    [InlineData(typeof(InvalidOperationException))]
    public async Task A_failed_poll_is_repeated_and_changes_in_between_are_reported(Type error)
    {
        var tab = new Listener(_pulse);
        await PolledAsync(2);
        _cluster.Pulse.NextError = (Exception)Activator.CreateInstance(error)!;
        _cluster.Pulse.Beat();
        await PolledAsync(_cluster.Pulse.Asked + 3);
        Assert.Equal(0, tab.Received);

        _cluster.Pulse.NextError = null;
        await ReceivedAsync(tab, 1);
        await CloseAsync([tab]);
    }

    [Fact]
    public async Task A_stopping_process_stops_polling()
    {
        var tab = new Listener(_pulse);
        await PolledAsync(2);
        _lifetime.StopApplication();
        await PassAsync(2);
        var asked = _cluster.Pulse.Asked;
        await PassAsync(5);
        Assert.Equal(asked, _cluster.Pulse.Asked);
        await tab.DisposeAsync();
    }

    private Task PolledAsync(int times) =>
        Eventually.TrueAsync(() => _cluster.Pulse.Asked >= times, $"polled {times} times", _clock, Step);

    private Task ReceivedAsync(Listener tab, int beats) =>
        Eventually.TrueAsync(() => tab.Received >= beats, $"{beats} changes received", _clock, Step);

    /// <summary>Advances the clock by seconds and lets waiting code run after each.</summary>
    private async Task PassAsync(int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            _clock.Advance(Second);
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Ct);
        }
    }

    private static async Task CloseAsync(IEnumerable<Listener> tabs)
    {
        foreach (var tab in tabs)
        {
            await tab.DisposeAsync();
        }
    }

    /// <summary>An open browser tab.</summary>
    private sealed class Listener : IAsyncDisposable
    {
        private readonly CancellationTokenSource _closed = new();
        private readonly Task _listening;
        private int _received;

        public Listener(Pulse pulse) => _listening = ListenAsync(pulse);

        public int Received => Volatile.Read(ref _received);

        public async ValueTask DisposeAsync()
        {
            await _closed.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _listening);
            _closed.Dispose();
        }

        private async Task ListenAsync(Pulse pulse)
        {
            await foreach (var _ in pulse.BeatsAsync(_closed.Token))
            {
                Interlocked.Increment(ref _received);
            }
        }
    }

    private sealed class Lifetime : IHostApplicationLifetime, IDisposable
    {
        private readonly CancellationTokenSource _stopping = new();

        public CancellationToken ApplicationStarted => CancellationToken.None;

        public CancellationToken ApplicationStopping => _stopping.Token;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void StopApplication() => _stopping.Cancel();

        public void Dispose() => _stopping.Dispose();
    }
}

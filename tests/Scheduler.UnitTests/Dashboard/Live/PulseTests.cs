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
    public async Task However_many_windows_are_open_the_scheduler_is_asked_once_a_second()
    {
        var windows = Enumerable.Range(0, 20).Select(_ => new Listener(_pulse)).ToList();
        await AskedAsync(1);
        var start = _clock.GetUtcNow();

        await AskedAsync(6);

        var elapsed = (_clock.GetUtcNow() - start).TotalSeconds;
        Assert.InRange(_cluster.Pulse.Asked, 6, 1 + elapsed);
        await CloseAsync(windows);
    }

    [Fact]
    public async Task While_nobody_looks_nobody_is_asked()
    {
        await PassAsync(5);
        Assert.Equal(0, _cluster.Pulse.Asked);

        var window = new Listener(_pulse);
        await AskedAsync(2);
        await CloseAsync([window]);
        var asked = _cluster.Pulse.Asked;
        await PassAsync(5);
        Assert.Equal(asked, _cluster.Pulse.Asked);

        // Whoever looks again is told again.
        var another = new Listener(_pulse);
        await AskedAsync(asked + 1);
        _cluster.Pulse.Beat();
        await HeardAsync(another, 1);
        await CloseAsync([another]);
    }

    [Fact]
    public async Task Every_window_is_told_of_what_is_new_and_of_nothing_else()
    {
        var windows = Enumerable.Range(0, 3).Select(_ => new Listener(_pulse)).ToList();
        await AskedAsync(4);
        Assert.All(windows, window => Assert.Equal(0, window.Heard));

        for (var beats = 1; beats <= 3; beats++)
        {
            _cluster.Pulse.Beat();
            foreach (var window in windows)
            {
                await HeardAsync(window, beats);
            }
        }

        await AskedAsync(_cluster.Pulse.Asked + 3);
        Assert.All(windows, window => Assert.Equal(3, window.Heard));
        await CloseAsync(windows);
    }

    [Fact]
    public async Task Beats_that_come_too_fast_for_a_reader_become_one()
    {
        await using var slow = _pulse.BeatsAsync(Ct).GetAsyncEnumerator(Ct);
        var first = slow.MoveNextAsync().AsTask();
        await AskedAsync(1);
        _cluster.Pulse.Beat();
        await Eventually.TrueAsync(() => first.IsCompleted, "the first beat", _clock, Step);
        for (var i = 0; i < 5; i++)
        {
            _cluster.Pulse.Beat();
            await AskedAsync(_cluster.Pulse.Asked + 2);
        }

        Assert.True(await slow.MoveNextAsync());
        var third = slow.MoveNextAsync().AsTask();
        await AskedAsync(_cluster.Pulse.Asked + 2);
        Assert.False(third.IsCompleted);
        _cluster.Pulse.Beat();
        await Eventually.TrueAsync(() => third.IsCompleted, "the beat after", _clock, Step);
    }

    [Theory]
    [InlineData(typeof(TimeoutException))]
    [InlineData(typeof(InvalidOperationException))]
    public async Task A_question_that_fails_is_asked_again_and_what_was_new_meanwhile_is_told(Type trouble)
    {
        var window = new Listener(_pulse);
        await AskedAsync(2);
        _cluster.Pulse.Trouble = (Exception)Activator.CreateInstance(trouble)!;
        _cluster.Pulse.Beat();
        await AskedAsync(_cluster.Pulse.Asked + 3);
        Assert.Equal(0, window.Heard);

        _cluster.Pulse.Trouble = null;
        await HeardAsync(window, 1);
        await CloseAsync([window]);
    }

    [Fact]
    public async Task A_process_that_stops_asks_no_more()
    {
        var window = new Listener(_pulse);
        await AskedAsync(2);
        _lifetime.StopApplication();
        await PassAsync(2);
        var asked = _cluster.Pulse.Asked;
        await PassAsync(5);
        Assert.Equal(asked, _cluster.Pulse.Asked);
        await window.DisposeAsync();
    }

    private Task AskedAsync(int times) =>
        Eventually.TrueAsync(() => _cluster.Pulse.Asked >= times, $"asked {times} times", _clock, Step);

    private Task HeardAsync(Listener window, int beats) =>
        Eventually.TrueAsync(() => window.Heard >= beats, $"heard {beats} beats", _clock, Step);

    /// <summary>So many seconds, in which whatever waits for one of them sees it.</summary>
    private async Task PassAsync(int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            _clock.Advance(Second);
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Ct);
        }
    }

    private static async Task CloseAsync(IEnumerable<Listener> windows)
    {
        foreach (var window in windows)
        {
            await window.DisposeAsync();
        }
    }

    /// <summary>An open window.</summary>
    private sealed class Listener : IAsyncDisposable
    {
        private readonly CancellationTokenSource _closed = new();
        private readonly Task _listening;
        private int _heard;

        public Listener(Pulse pulse) => _listening = ListenAsync(pulse);

        public int Heard => Volatile.Read(ref _heard);

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
                Interlocked.Increment(ref _heard);
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

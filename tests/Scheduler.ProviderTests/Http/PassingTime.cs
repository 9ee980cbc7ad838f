using Microsoft.Extensions.Time.Testing;

namespace Scheduler.ProviderTests.Http;

/// <summary>A clock that runs about a hundred times faster than the wall clock, and stands while a call is on its way.</summary>
internal sealed class PassingTime : IAsyncDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(200);

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _passing;

    internal PassingTime(Func<bool> isQuiet) => _passing = Task.Run(() => PassAsync(isQuiet), CancellationToken.None);

    internal FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.Zero));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _passing;
        _stop.Dispose();
    }

    private async Task PassAsync(Func<bool> isQuiet)
    {
        while (!_stop.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, CancellationToken.None);
            if (isQuiet())
            {
                Clock.Advance(Step);
            }
        }
    }
}

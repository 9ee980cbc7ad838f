using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scheduler.Grains;

namespace Scheduler.Dashboard.Live;

/// <summary>
/// Tells open windows that something was written. However many there are, the scheduler is asked once a second by each process, and only
/// while somebody looks.
/// </summary>
internal sealed partial class Pulse(
    IGrainFactory grains,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<Pulse> logger
)
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly HashSet<Channel<long>> _windows = [];
    private Task? _beating;

    /// <summary>Each beat after which something is new. Beats that come too fast for the reader become one.</summary>
    public async IAsyncEnumerable<long> BeatsAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var window = Channel.CreateBounded<long>(
            new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest }
        );
        lock (_lock)
        {
            _windows.Add(window);
            _beating ??= Task.Run(BeatAsync, CancellationToken.None);
        }

        try
        {
            await foreach (var beat in window.Reader.ReadAllAsync(cancellationToken))
            {
                yield return beat;
            }
        }
        finally
        {
            lock (_lock)
            {
                _windows.Remove(window);
            }
        }
    }

    private async Task BeatAsync()
    {
        long? last = null;
        while (!lifetime.ApplicationStopping.IsCancellationRequested && IsWatched())
        {
            var now = await AskAsync();
            if (now is { } beat && last is { } before && beat != before)
            {
                Tell(beat);
            }

            last = now ?? last;
            await Task.Delay(Every, clock, CancellationToken.None);
        }
    }

    /// <summary>Whether anybody looks; whoever comes after nobody did begins anew.</summary>
    private bool IsWatched()
    {
        lock (_lock)
        {
            if (_windows.Count > 0)
            {
                return true;
            }

            _beating = null;
            return false;
        }
    }

    private void Tell(long beat)
    {
        lock (_lock)
        {
            foreach (var window in _windows)
            {
                window.Writer.TryWrite(beat);
            }
        }
    }

    private async Task<long?> AskAsync()
    {
        try
        {
            return await grains.Fleet().PulseAsync(null);
        }
#pragma warning disable CA1031 // Whatever it is, the next question may be answered; without one more, every open window would stand still for good.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogNoAnswer(exception);
            return null;
        }
    }

    [LoggerMessage(5102, LogLevel.Warning, "The dashboard could not ask whether something is new; it asks again")]
    private partial void LogNoAnswer(Exception exception);
}

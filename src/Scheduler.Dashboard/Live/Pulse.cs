using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scheduler.Grains;

namespace Scheduler.Dashboard.Live;

/// <summary>
/// Notifies open pages of writes. Each process polls the scheduler once a second, whatever the number of pages, and
/// only while at least one is open.
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
    private readonly HashSet<Channel<long>> _tabs = [];
    private Task? _beating;

    /// <summary>
    /// Yields a value after each write. Values that arrive faster than the reader takes them are merged.
    /// </summary>
    public async IAsyncEnumerable<long> BeatsAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var tab = Channel.CreateBounded<long>(
            new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest }
        );
        lock (_lock)
        {
            _tabs.Add(tab);
            _beating ??= Task.Run(BeatAsync, CancellationToken.None);
        }

        try
        {
            await foreach (var beat in tab.Reader.ReadAllAsync(cancellationToken))
            {
                yield return beat;
            }
        }
        finally
        {
            lock (_lock)
            {
                _tabs.Remove(tab);
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
                Broadcast(beat);
            }

            last = now ?? last;
            await Task.Delay(Every, clock, CancellationToken.None);
        }
    }

    /// <summary>Whether a page is open. Without one, the loop ends; the next page starts it again.</summary>
    private bool IsWatched()
    {
        lock (_lock)
        {
            if (_tabs.Count > 0)
            {
                return true;
            }

            _beating = null;
            return false;
        }
    }

    private void Broadcast(long beat)
    {
        lock (_lock)
        {
            foreach (var tab in _tabs)
            {
                tab.Writer.TryWrite(beat);
            }
        }
    }

    private async Task<long?> AskAsync()
    {
        try
        {
            return await grains.Fleet().PulseAsync();
        }
#pragma warning disable CA1031 // The next poll may succeed; if the loop ended, all open pages would stop updating.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogNoAnswer(exception);
            return null;
        }
    }

    [LoggerMessage(5102, LogLevel.Warning, "Cannot poll for dashboard updates; retrying in 1 s")]
    private partial void LogNoAnswer(Exception exception);
}

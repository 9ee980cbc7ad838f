using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Scheduler.Grains.Instances;

/// <summary>
/// Ends the work of all instances of this process before its silo stops. While a silo stops, a call to a grain finds no
/// silo: Orleans would retry it for seconds and then log an error.
/// </summary>
internal sealed partial class InstanceWorkStop(ILogger<InstanceWorkStop> logger) : IHostedLifecycleService, IDisposable
{
    /// <summary>Longest wait for cancelled work; a provider may ignore the cancellation.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running;

    /// <summary>Cancelled when the process stops; no work starts afterwards.</summary>
    public CancellationToken Stopping => _stopping.Token;

    public void Began() => Interlocked.Increment(ref _running);

    public void Ended()
    {
        if (Interlocked.Decrement(ref _running) == 0 && _stopping.IsCancellationRequested)
        {
            _idle.TrySetResult();
        }
    }

    /// <summary>Runs before any service stops, and after the ports have closed.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        if (Volatile.Read(ref _running) == 0)
        {
            return;
        }

        try
        {
            // Real time: a stop must end, whatever the clock of the scheduler shows.
            await _idle.Task.WaitAsync(Limit, TimeProvider.System, cancellationToken);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            // A cancelled stop does not wait.
            LogStillRunning(Volatile.Read(ref _running), Limit);
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _stopping.Dispose();

    [LoggerMessage(
        1019,
        LogLevel.Warning,
        "{Count} pieces of instance work did not end within {Limit}; they continue after the next start"
    )]
    private partial void LogStillRunning(int count, TimeSpan limit);
}

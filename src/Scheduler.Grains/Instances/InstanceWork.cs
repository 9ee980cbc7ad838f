using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Instances;

/// <summary>
/// The work in progress of one instance or service: the calls that its record requires, for example to a provider. A piece
/// of work runs at most once at a time, beside the grain's turns. It is cancelled as soon as the record no longer
/// requires it.
/// </summary>
/// <remarks>
/// Not thread-safe: call it from the code of the grain only. The work also runs on the grain's scheduler, never at the same moment as
/// other code of the grain, but commands run while it awaits. A piece that fails is logged and not restarted here. The record still
/// requires it, so the next <see cref="Match"/> starts it again.
/// </remarks>
internal sealed partial class InstanceWork(InstanceWorkStop stop, ILogger logger) : IDisposable
{
    private readonly CancellationTokenSource _all = new();
    private readonly Dictionary<string, CancellationTokenSource> _running = new(StringComparer.Ordinal);

    /// <summary>Cancelled by <see cref="CancelAll"/>.</summary>
    public CancellationToken Cancellation => _all.Token;

    /// <summary>The names of the pieces that run now.</summary>
    public IReadOnlyCollection<string> Running => _running.Keys;

    /// <summary>Starts every required piece that does not run, then cancels every running piece that is not required.</summary>
    /// <param name="owner">Id of the instance or service, for the log.</param>
    /// <param name="requestId">The request that the log lines of the started pieces belong to.</param>
    public void Match(string owner, RequestId requestId, IReadOnlyCollection<RequiredWork> required)
    {
        foreach (var work in required.Where(work => !_running.ContainsKey(work.Name)))
        {
            if (!_all.IsCancellationRequested && !stop.Stopping.IsCancellationRequested)
            {
                Start(owner, requestId, work);
            }
        }

        foreach (var (name, cancellation) in _running.ToList())
        {
            if (!required.Any(work => work.Name == name))
            {
                _running.Remove(name);
                cancellation.Cancel();
            }
        }
    }

    /// <summary>Cancels everything, for good: no work starts afterwards.</summary>
    /// <remarks>Synchronous on purpose: work must see the cancellation before this returns, and not on a thread of the pool.</remarks>
    public void CancelAll() => _all.Cancel();

    public void Dispose() => _all.Dispose();

    private void Start(string owner, RequestId requestId, RequiredWork work)
    {
        var cancellation = CancellationTokenSource.CreateLinkedTokenSource(_all.Token, stop.Stopping);
        _running.Add(work.Name, cancellation);
        _ = RunAsync(owner, requestId, work, cancellation);
    }

    private async Task RunAsync(
        string owner,
        RequestId requestId,
        RequiredWork work,
        CancellationTokenSource cancellation
    )
    {
        using var scope = logger.BeginScope(new KeyValuePair<string, object?>[] { new("RequestId", requestId.Value) });
        stop.Began();
        try
        {
            await work.RunAsync(cancellation.Token);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            LogCancelled(owner, work.Name);
        }
        catch (Exception exception)
        {
            LogFailed(exception, owner, work.Name);
        }
        finally
        {
            // A cancelled piece may end after a new one of the same name has started.
            if (_running.TryGetValue(work.Name, out var current) && current == cancellation)
            {
                _running.Remove(work.Name);
            }

            cancellation.Dispose();
            stop.Ended();
        }
    }

    [LoggerMessage(1002, LogLevel.Debug, "{Owner}: {Work} cancelled, no longer required")]
    private partial void LogCancelled(string owner, string work);

    [LoggerMessage(1003, LogLevel.Error, "{Owner}: {Work} failed; retrying at the next wake-up")]
    private partial void LogFailed(Exception exception, string owner, string work);
}

/// <summary>A piece of work that a record requires. It must be safe to repeat.</summary>
/// <param name="Name">Identifies the piece: the same name is not started again while it runs.</param>
internal readonly record struct RequiredWork(string Name, Func<CancellationToken, Task> RunAsync);

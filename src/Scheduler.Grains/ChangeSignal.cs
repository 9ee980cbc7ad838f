namespace Scheduler.Grains;

/// <summary>Lets callers of a grain wait for its next recorded change.</summary>
internal sealed class ChangeSignal(TimeProvider clock)
{
    /// <summary>How long a caller waits; shorter than the 30 s timeout of grain calls.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    private TaskCompletionSource _next = New();

    /// <summary>Ends the waits in progress. Later calls wait for the next change.</summary>
    public void Raise() => Interlocked.Exchange(ref _next, New()).TrySetResult();

    /// <summary>Ends the waits in progress and all later ones, because the activation ends.</summary>
    public void Close() => _next.TrySetResult();

    /// <summary>Returns after the next change, or after <see cref="Longest"/>; the caller then reads the record.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _next.Task.WaitAsync(Longest, clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Nothing changed; the caller gets the current record and calls again.
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

namespace Scheduler.Providers;

/// <summary>Delays that use an injected clock.</summary>
internal static class ClockWaits
{
    /// <summary>Like <c>Task.Delay</c>; a wait of zero or less completes at once, without a timer.</summary>
    internal static Task Delay(this TimeProvider clock, TimeSpan wait, CancellationToken cancellationToken) =>
        wait <= TimeSpan.Zero ? Task.CompletedTask : Task.Delay(wait, clock, cancellationToken);

    /// <summary>Waits for the task or the time, whichever ends first. The caller must check which one it was.</summary>
    internal static async Task WhenOrAfter(
        this TimeProvider clock,
        Task happening,
        TimeSpan wait,
        CancellationToken cancellationToken
    )
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var elapsed = Task.Delay(wait, clock, done.Token);
        await Task.WhenAny(happening, elapsed);
        await done.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }
}

namespace Scheduler.Providers;

/// <summary>Waiting by an injected clock.</summary>
internal static class ClockWaits
{
    /// <summary>Waits a while; no while, no wait and no timer.</summary>
    internal static Task Delay(this TimeProvider clock, TimeSpan wait, CancellationToken cancellationToken) =>
        wait <= TimeSpan.Zero ? Task.CompletedTask : Task.Delay(wait, clock, cancellationToken);

    /// <summary>Waits until something happens, but no longer than a while; which of the two it was the caller finds out by looking.</summary>
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

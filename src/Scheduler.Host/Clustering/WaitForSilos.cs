namespace Scheduler.Host.Clustering;

/// <summary>
/// A <c>doors</c> process that starts before any silo waits without a limit, so that the start order does not matter.
/// </summary>
internal sealed partial class WaitForSilos(TimeProvider clock, ILogger<WaitForSilos> logger)
    : IClientConnectionRetryFilter
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public async Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken)
    {
        LogWaiting(exception.Message);
        await Task.Delay(Pause, clock, cancellationToken);
        return true;
    }

    [LoggerMessage(4101, LogLevel.Warning, "Cannot reach a silo yet; retrying in one second: {Why}")]
    private partial void LogWaiting(string why);
}

namespace Scheduler.Host.Clustering;

/// <summary>Doors that start before any silo wait for one, as long as it takes: in which order processes come up is nobody's care.</summary>
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

    [LoggerMessage(4101, LogLevel.Warning, "No silo can be reached yet; it is tried again in a second: {Why}")]
    private partial void LogWaiting(string why);
}

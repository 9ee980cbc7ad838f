using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Requests;

namespace Scheduler.Grains.Requests;

/// <summary>Deletes answered requests that have expired.</summary>
internal sealed partial class RequestLogCleaning(
    IRequestLog log,
    IOptions<SchedulerOptions> options,
    TimeProvider clock,
    ILogger<RequestLogCleaning> logger
) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                var kept = options.Value.Requests;
                await log.ForgetAsync(clock.Now() - kept.KeptFor, kept.KeptPerAccount, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogNotDeleted(exception);
            }
        }
    }

    [LoggerMessage(1951, LogLevel.Warning, "Could not delete expired requests; the next attempt is in a minute")]
    private partial void LogNotDeleted(Exception exception);
}

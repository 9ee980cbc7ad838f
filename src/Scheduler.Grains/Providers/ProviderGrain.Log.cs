using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Providers;

internal sealed partial class ProviderGrain
{
    [LoggerMessage(1201, LogLevel.Warning, "Could not list offers of provider {Provider}; keeping the previous ones")]
    private partial void LogListingFailed(Exception exception, ProviderId provider);

    [LoggerMessage(1202, LogLevel.Warning, "Sweep of provider {Provider} failed; retrying at the next interval")]
    private partial void LogSweepFailed(Exception exception, ProviderId provider);

    [LoggerMessage(1204, LogLevel.Warning, "Waiting instances could not be asked about provider {Provider}; retrying")]
    private partial void LogWakingFailed(Exception exception, ProviderId provider);

    [LoggerMessage(1203, LogLevel.Warning, "Watch of provider {Provider} broke off; restarting it")]
    private partial void LogWatchFailed(Exception exception, ProviderId provider);
}

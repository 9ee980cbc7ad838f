using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Providers;

internal sealed partial class ProviderGrain
{
    [LoggerMessage(1201, LogLevel.Warning, "Provider {Provider} did not list its offers; the last listing stays")]
    private partial void LogListingFailed(Exception exception, ProviderId provider);

    [LoggerMessage(1202, LogLevel.Warning, "The sweep of provider {Provider} failed; it runs again")]
    private partial void LogSweepFailed(Exception exception, ProviderId provider);

    [LoggerMessage(1203, LogLevel.Warning, "The watch of provider {Provider} broke off; it is taken up again")]
    private partial void LogWatchFailed(Exception exception, ProviderId provider);
}

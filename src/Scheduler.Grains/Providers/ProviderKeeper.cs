using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Providers;

/// <summary>Keeps the provider grains going: after the loss of a silo the next call activates them elsewhere.</summary>
internal sealed partial class ProviderKeeper(
    IGrainFactory grains,
    ProviderDirectory directory,
    TimeProvider clock,
    ILogger<ProviderKeeper> logger
) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, clock);
        do
        {
            await Task.WhenAll(directory.Ids.Select(TendAsync));
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task TendAsync(ProviderId provider)
    {
        try
        {
            await grains.GetGrain<IProviderTending>($"provider-{provider}").TendAsync();
        }
        catch (Exception exception)
        {
            LogTendingFailed(exception, provider);
        }
    }

    [LoggerMessage(1211, LogLevel.Warning, "Provider {Provider} could not be tended; it is tried again in a second")]
    private partial void LogTendingFailed(Exception exception, ProviderId provider);
}

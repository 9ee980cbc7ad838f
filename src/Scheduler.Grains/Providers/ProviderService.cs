using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Providers;

/// <summary>
/// Calls every provider grain each second, which reactivates the grains of a lost silo. Also refreshes this silo's
/// offer catalogue from provider grains on other silos.
/// </summary>
internal sealed partial class ProviderService(
    IGrainFactory grains,
    ProviderDirectory directory,
    OfferCatalogue catalogue,
    TimeProvider clock,
    ILogger<ProviderService> logger
) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, clock);
        do
        {
            await Task.WhenAll(directory.Ids.Select(MaintainAsync));
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task MaintainAsync(ProviderId provider)
    {
        try
        {
            var grain = grains.GetGrain<IProviderMaintenance>($"provider-{provider}");
            await grain.MaintainAsync();
            if (await grain.GetSnapshotAsync(catalogue.VersionOf(provider)) is { } published)
            {
                catalogue.Publish(provider, published);
                catalogue.RecordAnswer(provider, clock);
            }
        }
        catch (Exception exception)
        {
            LogRefreshFailed(exception, provider);
        }
    }

    [LoggerMessage(1211, LogLevel.Warning, "Refresh of provider {Provider} failed; retrying in 1 s")]
    private partial void LogRefreshFailed(Exception exception, ProviderId provider);
}

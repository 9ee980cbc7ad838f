using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Providers;

/// <summary>
/// Calls every provider grain each second, which reactivates the grains of a lost silo. Also refreshes this silo's
/// offer catalogue from provider grains on other silos.
/// </summary>
internal sealed partial class ProviderKeeper(
    IGrainFactory grains,
    ProviderDirectory directory,
    OfferBook book,
    TimeProvider clock,
    ILogger<ProviderKeeper> logger
) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

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
            var grain = grains.GetGrain<IProviderTending>($"provider-{provider}");
            await grain.TendAsync();
            if (await grain.SheetAsync(book.EditionOf(provider)) is { } sheet)
            {
                book.Publish(provider, sheet);
                book.NoteHeard(provider, clock);
            }
        }
        catch (Exception exception)
        {
            LogTendingFailed(exception, provider);
        }
    }

    [LoggerMessage(1211, LogLevel.Warning, "Refresh of provider {Provider} failed; retrying in 1 s")]
    private partial void LogTendingFailed(Exception exception, ProviderId provider);
}

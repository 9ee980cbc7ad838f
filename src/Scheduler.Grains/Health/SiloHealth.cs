using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Storage;
using Scheduler.Grains.Providers;

namespace Scheduler.Grains.Health;

/// <summary>Checks the store and the offers of this silo; frequent callers must cache the result.</summary>
public sealed partial class SiloHealth
{
    /// <summary>A store that has not read one row within this time is unhealthy.</summary>
    private static readonly TimeSpan StoreAnswers = TimeSpan.FromSeconds(2);

    /// <summary>
    /// <see cref="ProviderService"/> asks every second. The limit exceeds the 30 s timeout of grain calls: the loss of
    /// one silo with a provider's grain is no lack of offers.
    /// </summary>
    private static readonly TimeSpan OffersFresh = TimeSpan.FromSeconds(45);

    private readonly IAgenda _store;
    private readonly OfferCatalogue _catalogue;
    private readonly TimeProvider _clock;
    private readonly ILogger<SiloHealth> _logger;

    internal SiloHealth(IAgenda store, OfferCatalogue catalogue, TimeProvider clock, ILogger<SiloHealth> logger)
    {
        _store = store;
        _catalogue = catalogue;
        _clock = clock;
        _logger = logger;
    }

    /// <summary>Runs the checks; takes at most 2 s.</summary>
    public async Task<ImmutableArray<HealthLine>> CheckAsync(CancellationToken cancellationToken = default) =>
        [await StoreAsync(cancellationToken), Offers()];

    private async Task<HealthLine> StoreAsync(CancellationToken cancellationToken)
    {
        var began = _clock.GetTimestamp();
        try
        {
            // Nothing is due before the epoch, so this is one index lookup.
            await _store
                .DueAsync(DateTimeOffset.UnixEpoch, AgendaShare.Whole, 1, cancellationToken)
                .WaitAsync(StoreAnswers, _clock, cancellationToken);
            return new HealthLine("store", true, $"answered in {_clock.GetElapsedTime(began).TotalMilliseconds:F0} ms");
        }
        catch (TimeoutException)
        {
            return new HealthLine("store", false, $"no answer in {StoreAnswers.TotalSeconds:F0} s");
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogStoreFailed(exception);
            return new HealthLine("store", false, "cannot be read; the log has the cause");
        }
    }

    /// <summary>
    /// A single provider without data (its vendor is down, its record is unreadable) does not make a silo unhealthy;
    /// only all providers without data do.
    /// </summary>
    private HealthLine Offers()
    {
        var (all, fresh) = _catalogue.AnsweredOf(_clock, OffersFresh);
        return new HealthLine(
            "offers",
            all == 0 || fresh > 0,
            $"{fresh} of {all} providers reported in the last {OffersFresh.TotalSeconds:F0} s"
        );
    }

    [LoggerMessage(1801, LogLevel.Warning, "Cannot read the store for a health check; reporting it as unhealthy")]
    private partial void LogStoreFailed(Exception exception);
}

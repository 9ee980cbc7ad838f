using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Storage;
using Scheduler.Grains.Providers;

namespace Scheduler.Grains.Health;

/// <summary>How the store and the offers of this silo stand. Looks when asked; whoever is asked often keeps the answer.</summary>
public sealed partial class SiloHealth
{
    /// <summary>A store that has not read one row by then serves nobody.</summary>
    private static readonly TimeSpan StoreAnswers = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The keeper asks every second. Longer than the 30 s after which a grain call times out: one provider's silo that dies is no lack
    /// of offers.
    /// </summary>
    private static readonly TimeSpan OffersFresh = TimeSpan.FromSeconds(45);

    private readonly IAgenda _store;
    private readonly OfferBook _book;
    private readonly TimeProvider _clock;
    private readonly ILogger<SiloHealth> _logger;

    internal SiloHealth(IAgenda store, OfferBook book, TimeProvider clock, ILogger<SiloHealth> logger)
    {
        _store = store;
        _book = book;
        _clock = clock;
        _logger = logger;
    }

    /// <summary>Looks now; takes no longer than 2 s.</summary>
    public async Task<ImmutableArray<HealthLine>> LookAsync(CancellationToken cancellationToken = default) =>
        [await StoreAsync(cancellationToken), Offers()];

    private async Task<HealthLine> StoreAsync(CancellationToken cancellationToken)
    {
        var began = _clock.GetTimestamp();
        try
        {
            // Nothing is due before time began: one look at an index.
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
    /// One provider that nothing is heard of (its vendor is down, its record is unreadable) makes no silo unfit; none heard of does.
    /// </summary>
    private HealthLine Offers()
    {
        var (all, fresh) = _book.HeardOf(_clock, OffersFresh);
        return new HealthLine(
            "offers",
            all == 0 || fresh > 0,
            $"{fresh} of {all} providers heard of in the last {OffersFresh.TotalSeconds:F0} s"
        );
    }

    [LoggerMessage(1501, LogLevel.Warning, "The store could not be read for a health check")]
    private partial void LogStoreFailed(Exception exception);
}

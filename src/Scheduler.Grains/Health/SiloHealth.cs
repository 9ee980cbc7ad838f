using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Storage;
using Scheduler.Grains.Providers;

namespace Scheduler.Grains.Health;

/// <summary>Checks whether the store takes writes, whether its clock agrees, and the offers of this silo.</summary>
public sealed partial class SiloHealth
{
    /// <summary>A store that has not taken one row within this time is unhealthy.</summary>
    private static readonly TimeSpan StoreAnswers = TimeSpan.FromSeconds(2);

    /// <summary>Least time between two writes.</summary>
    private static readonly TimeSpan StoreCheckedEvery = TimeSpan.FromSeconds(3);

    /// <summary>
    /// <see cref="ProviderService"/> asks every second. The limit exceeds the 30 s timeout of grain calls: the loss of
    /// one silo with a provider's grain is no lack of offers.
    /// </summary>
    private static readonly TimeSpan OffersFresh = TimeSpan.FromSeconds(45);

    private readonly IStoreProbe _store;
    private readonly OfferCatalogue _catalogue;
    private readonly ClockKeeper _keeper;
    private readonly TimeProvider _clock;
    private readonly ILogger<SiloHealth> _logger;
    private readonly Lock _asking = new();
    private Task<HealthLine>? _check;
    private Task _write = Task.CompletedTask;
    private long _began;

    internal SiloHealth(
        IStoreProbe store,
        OfferCatalogue catalogue,
        ClockKeeper keeper,
        TimeProvider clock,
        ILogger<SiloHealth> logger
    )
    {
        _store = store;
        _catalogue = catalogue;
        _keeper = keeper;
        _clock = clock;
        _logger = logger;
    }

    /// <summary>Runs the checks; takes at most 2 s.</summary>
    public async Task<ImmutableArray<HealthLine>> CheckAsync(CancellationToken cancellationToken = default) =>
        [await StoreAsync().WaitAsync(cancellationToken), _keeper.Line(), Offers()];

    /// <summary>One write for all callers of <see cref="StoreCheckedEvery"/>, so that probes cannot load the store.</summary>
    private Task<HealthLine> StoreAsync()
    {
        lock (_asking)
        {
            if (_check is null || (_check.IsCompleted && _clock.GetElapsedTime(_began) >= StoreCheckedEvery))
            {
                _began = _clock.GetTimestamp();
                _check = CheckStoreAsync();
            }

            return _check;
        }
    }

    private async Task<HealthLine> CheckStoreAsync()
    {
        var began = _clock.GetTimestamp();
        try
        {
            // A write that hangs is awaited again, not joined by a second one.
            if (_write.IsCompleted)
            {
                _write = _store.WriteAsync(_clock.GetUtcNow(), CancellationToken.None);
            }

            await _write.WaitAsync(StoreAnswers, _clock);
            return new HealthLine(
                "store",
                true,
                $"took a write in {_clock.GetElapsedTime(began).TotalMilliseconds:F0} ms"
            );
        }
        catch (TimeoutException) when (!_write.IsFaulted)
        {
            return new HealthLine("store", false, $"has not taken a write in {StoreAnswers.TotalSeconds:F0} s");
        }
        catch (StorageFullException)
        {
            return new HealthLine("store", false, "is full: it takes no write until there is room on its disk");
        }
        catch (StorageReadOnlyException)
        {
            return new HealthLine("store", false, "is read-only: it takes no write");
        }
        catch (Exception exception)
        {
            LogStoreFailed(exception);
            return new HealthLine("store", false, "takes no write; the log has the cause");
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

    [LoggerMessage(1801, LogLevel.Warning, "Cannot write to the store for a health check; reporting it as unhealthy")]
    private partial void LogStoreFailed(Exception exception);
}

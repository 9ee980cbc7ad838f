using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Providers;

namespace Scheduler.Grains.Telemetry;

/// <summary>What this silo sees: its cluster, and its offer book. Read when somebody scrapes; nothing is asked of anybody.</summary>
internal sealed class SiloGauges : IHostedService
{
    private readonly SchedulerMetrics _metrics;
    private readonly ProviderDirectory _directory;
    private readonly OfferBook _book;
    private readonly ISiloStatusOracle _cluster;
    private readonly TimeProvider _clock;

    /// <summary>Registers the gauges.</summary>
    public SiloGauges(
        IMeterFactory meters,
        SchedulerMetrics metrics,
        ProviderDirectory directory,
        OfferBook book,
        ISiloStatusOracle cluster,
        TimeProvider clock
    )
    {
        (_metrics, _directory, _book, _cluster, _clock) = (metrics, directory, book, cluster, clock);
        var meter = meters.Create(SchedulerMetrics.MeterName);
        _ = meter.CreateObservableGauge("scheduler.cluster.silos", ActiveSilos, "{silo}", "Silos this one sees active");
        _ = meter.CreateObservableGauge("scheduler.catalogue.age", Ages, "s", "Age of the provider's latest listing");
        _ = meter.CreateObservableGauge(
            "scheduler.catalogue.offers",
            () => _book.Listings.Select(listed => Of(listed.Key, (long)listed.Value.Offers)),
            "{offer}",
            "Offers in the provider's latest listing"
        );
        _ = meter.CreateObservableGauge(
            "scheduler.provider.breaker",
            () => _book.Standings.Select(standing => Of(standing.Key, standing.Value.BreakerOpen ? 1L : 0)),
            description: "1 while the provider's breaker keeps it out of placement"
        );
        _ = meter.CreateObservableGauge(
            "scheduler.provider.draining",
            () => _book.Standings.Select(standing => Of(standing.Key, standing.Value.Draining ? 1L : 0)),
            description: "1 while an operator keeps the provider out of placement"
        );
        _ = meter.CreateObservableGauge(
            "scheduler.provider.cooling",
            () => _book.Standings.Select(standing => Of(standing.Key, (long)standing.Value.Cooling.Length)),
            "{route}",
            "Routes of the provider that rank last for now"
        );
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var provider in _directory.Ids)
        {
            _metrics.Expect(provider);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private long ActiveSilos() => _cluster.GetApproximateSiloStatuses(onlyActive: true).Count;

    private IEnumerable<Measurement<double>> Ages() =>
        _book.Listings.Select(listed => Of(listed.Key, _clock.GetElapsedTime(listed.Value.TakenAt).TotalSeconds));

    private static Measurement<T> Of<T>(ProviderId provider, T value)
        where T : struct => new(value, new KeyValuePair<string, object?>("provider", provider.Value));
}

using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Providers;

namespace Scheduler.Grains.Telemetry;

/// <summary>Metrics of this silo's cluster view and offer catalogue, read from memory when scraped.</summary>
internal sealed class SiloGauges : IHostedService
{
    private readonly SchedulerMetrics _metrics;
    private readonly ProviderDirectory _directory;
    private readonly OfferCatalogue _catalogue;
    private readonly ISiloStatusOracle _cluster;
    private readonly TimeProvider _clock;

    public SiloGauges(
        IMeterFactory meters,
        SchedulerMetrics metrics,
        ProviderDirectory directory,
        OfferCatalogue catalogue,
        ISiloStatusOracle cluster,
        TimeProvider clock
    )
    {
        (_metrics, _directory, _catalogue, _cluster, _clock) = (metrics, directory, catalogue, cluster, clock);
        var meter = meters.Create(SchedulerMetrics.MeterName);
        _ = meter.CreateObservableGauge("scheduler.cluster.silos", ActiveSilos, "{silo}", "Silos seen as active");
        _ = meter.CreateObservableGauge("scheduler.catalogue.age", Ages, "s", "Age of the provider's latest listing");
        _ = meter.CreateObservableGauge(
            "scheduler.catalogue.offers",
            () => _catalogue.Listings.Select(listed => Of(listed.Key, (long)listed.Value.Offers)),
            "{offer}",
            "Offers in the provider's latest listing"
        );
        _ = meter.CreateObservableGauge(
            "scheduler.provider.breaker",
            () => _catalogue.Statuses.Select(status => Of(status.Key, status.Value.BreakerOpen ? 1L : 0)),
            description: "1 while the provider's breaker keeps it out of placement"
        );
        _ = meter.CreateObservableGauge(
            "scheduler.provider.draining",
            () => _catalogue.Statuses.Select(status => Of(status.Key, status.Value.Draining ? 1L : 0)),
            description: "1 while an operator keeps the provider out of placement"
        );
        _ = meter.CreateObservableGauge(
            "scheduler.provider.cooling",
            () => _catalogue.Statuses.Select(status => Of(status.Key, (long)status.Value.Cooling.Length)),
            "{route}",
            "Routes of the provider that currently rank last"
        );
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var provider in _directory.Ids)
        {
            _metrics.Expect(provider);
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private long ActiveSilos() => _cluster.GetApproximateSiloStatuses(onlyActive: true).Count;

    private IEnumerable<Measurement<double>> Ages() =>
        _catalogue.Listings.Select(listed => Of(listed.Key, _clock.GetElapsedTime(listed.Value.TakenAt).TotalSeconds));

    private static Measurement<T> Of<T>(ProviderId provider, T value)
        where T : struct => new(value, new KeyValuePair<string, object?>("provider", provider.Value));
}

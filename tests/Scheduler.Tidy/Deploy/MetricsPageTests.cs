using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Edge;
using Scheduler.Grains.Telemetry;
using Scheduler.Inference;
using Scheduler.Inference.Balancers;
using Scheduler.Inference.Firewalls;
using Scheduler.Inference.Services;
using Scheduler.Storage;
using Scheduler.Storage.Sqlite;
using Xunit;

namespace Scheduler.Tidy.Deploy;

/// <summary>The metrics of the code and the documented metrics match.</summary>
public sealed class MetricsPageTests
{
    private static readonly Dictionary<string, string> Kinds = new()
    {
        ["Counter`1"] = "counter",
        ["ObservableCounter`1"] = "counter",
        ["UpDownCounter`1"] = "gauge",
        ["ObservableGauge`1"] = "gauge",
        ["Histogram`1"] = "histogram",
    };

    [Fact]
    public void The_metrics_page_lists_exactly_the_instruments_of_the_code()
    {
        var inCode = Instruments()
            .Select(instrument =>
                $"{instrument.Name} {Kinds[instrument.GetType().Name]} {instrument.Unit} {InPrometheus(instrument)}"
            )
            .Order(StringComparer.Ordinal);
        var onPage = MetricsPage
            .Metrics.Select(metric => $"{metric.Name} {metric.Kind} {metric.Unit} {metric.Prometheus}")
            .Order(StringComparer.Ordinal);
        Assert.Equal(onPage, inCode);
    }

    [Fact]
    public void Every_instrument_has_a_description()
    {
        Assert.All(Instruments(), instrument => Assert.NotEmpty(instrument.Description ?? ""));
    }

    /// <summary>The exporter's name: dots become underscores, and seconds and totals get a suffix.</summary>
    private static string InPrometheus(Instrument instrument) =>
        instrument.Name.Replace('.', '_')
        + (
            instrument.Unit == "s" ? "_seconds"
            : instrument.Unit == "By" ? "_bytes"
            : ""
        )
        + (Kinds[instrument.GetType().Name] == "counter" ? "_total" : "");

    private static List<Instrument> Instruments()
    {
        using var host = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var factory = host.GetRequiredService<IMeterFactory>();
        var found = new List<Instrument>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, factory))
            {
                found.Add(instrument);
            }
        };
        listener.Start();
        _ = new SchedulerMetrics(factory);
        _ = new EdgeMetrics(factory, null!);
        _ = new InferenceMetrics(factory);
        _ = new BalancerMetrics(factory);
        _ = new HoldMetrics(factory);
        _ = new FirewallMetrics(factory);
        // Registered but never read, so the services behind the gauges are not needed.
        _ = new SiloGauges(factory, null!, null!, null!, null!, null!);
        _ = new FleetGauges(factory, null!, null!, null!, null!);
        _ = new StorageMetrics(factory, (SqliteStore)RuntimeHelpers.GetUninitializedObject(typeof(SqliteStore)));
        return found;
    }
}

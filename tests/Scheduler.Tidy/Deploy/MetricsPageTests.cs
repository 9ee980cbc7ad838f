using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Edge;
using Scheduler.Grains.Telemetry;
using Scheduler.Inference;
using Scheduler.Inference.Balancers;
using Scheduler.Inference.Firewalls;
using Scheduler.Storage;
using Scheduler.Storage.Sqlite;
using Xunit;

namespace Scheduler.Tidy.Deploy;

/// <summary>What is measured is what is written down.</summary>
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
    public void Every_instrument_of_the_code_is_a_row_of_the_page_and_the_other_way_round()
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
    public void Every_instrument_says_what_it_measures()
    {
        Assert.All(Instruments(), instrument => Assert.NotEmpty(instrument.Description ?? ""));
    }

    /// <summary>How the exporter names it: dots become underscores, seconds and totals are said.</summary>
    private static string InPrometheus(Instrument instrument) =>
        instrument.Name.Replace('.', '_')
        + (instrument.Unit == "s" ? "_seconds" : "")
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
        _ = new EdgeMetrics(factory);
        _ = new InferenceMetrics(factory);
        _ = new BalancerMetrics(factory);
        _ = new FirewallMetrics(factory);
        // Registered, never read: what they would ask need not be there.
        _ = new SiloGauges(factory, null!, null!, null!, null!, null!);
        _ = new FleetGauges(factory, null!, null!, null!);
        _ = new StorageMetrics(factory, (SqliteStore)RuntimeHelpers.GetUninitializedObject(typeof(SqliteStore)));
        return found;
    }
}

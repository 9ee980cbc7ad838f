using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;

namespace Scheduler.ClusterTests.Telemetry;

/// <summary>All measurements of the meter <c>Scheduler</c> of one host only.</summary>
internal sealed class MetricRecorder : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<Seen> _seen = new();

    public MetricRecorder(IServiceProvider host)
    {
        var factory = host.GetRequiredService<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "Scheduler" && ReferenceEquals(instrument.Meter.Scope, factory))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>All measurements so far; gauges are read now.</summary>
    public IReadOnlyCollection<Seen> All
    {
        get
        {
            _listener.RecordObservableInstruments();
            return _seen;
        }
    }

    /// <summary>Sum of an instrument's measurements with these labels.</summary>
    public double Sum(string instrument, params (string Label, string Value)[] labels) =>
        Of(instrument, labels).Sum(seen => seen.Value);

    /// <summary>Number of an instrument's measurements with these labels.</summary>
    public int Count(string instrument, params (string Label, string Value)[] labels) => Of(instrument, labels).Count();

    public double? Now(string instrument, params (string Label, string Value)[] labels)
    {
        _listener.RecordObservableInstruments();
        return Of(instrument, labels).LastOrDefault()?.Value;
    }

    public void Dispose() => _listener.Dispose();

    private IEnumerable<Seen> Of(string instrument, (string Label, string Value)[] labels) =>
        _seen.Where(seen =>
            seen.Instrument == instrument
            && labels.All(label => seen.Labels.GetValueOrDefault(label.Label) == label.Value)
        );

    private void Keep(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (label, text) in tags)
        {
            labels.Add(label, text?.ToString() ?? "");
        }

        _seen.Enqueue(new Seen(instrument.Name, value, labels));
    }

    internal sealed record Seen(string Instrument, double Value, IReadOnlyDictionary<string, string> Labels);
}

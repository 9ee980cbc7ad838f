using System.Diagnostics.Metrics;
using Scheduler.Storage.PostgreSql;
using Scheduler.Storage.Sqlite;

namespace Scheduler.Storage;

/// <summary>Storage metrics of the meter <c>Scheduler</c>. Labels contain kinds of state, never ids (INV-13).</summary>
internal sealed class StorageMetrics
{
    private const string MeterName = "Scheduler";

    private static readonly double[] Bounds =
    [
        0.0005,
        0.001,
        0.0025,
        0.005,
        0.01,
        0.025,
        0.05,
        0.1,
        0.25,
        0.5,
        1,
        2.5,
        5,
        10,
    ];

    private readonly Histogram<double> _duration;

    /// <param name="sqlite">Null when PostgreSQL is in use.</param>
    /// <param name="postgreSql">Null when SQLite is in use.</param>
    public StorageMetrics(IMeterFactory meters, SqliteStore? sqlite = null, PostgreSqlStore? postgreSql = null)
    {
        var meter = meters.Create(MeterName);
        _duration = meter.CreateHistogram(
            "scheduler.storage.duration",
            "s",
            "Reads and writes of grain states",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = Bounds }
        );
        _ = meter.CreateObservableGauge(
            "scheduler.storage.queue",
            () => (long)(sqlite?.Waiting ?? postgreSql?.Waiting ?? 0),
            "{write}",
            "Writes that wait for the next commit"
        );
        _ = meter.CreateObservableCounter(
            "scheduler.storage.commits",
            () => sqlite?.Commits ?? postgreSql?.Commits ?? 0,
            "{commit}",
            "Commits to the store"
        );
    }

    public void Took(string operation, string kind, string outcome, TimeSpan took) =>
        _duration.Record(
            took.TotalSeconds,
            new("operation", operation),
            new KeyValuePair<string, object?>("kind", kind),
            new KeyValuePair<string, object?>("outcome", outcome)
        );
}

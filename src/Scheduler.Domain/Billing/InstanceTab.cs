using System.Text.Json.Serialization;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>
/// What one instance reserves or owes at its account: first a hold, then a meter, then nothing. One row per instance, kept until the
/// instance is deleted, so that an old run can never be opened or billed again.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.InstanceTab")]
public sealed record InstanceTab
{
    /// <summary>Whose tab.</summary>
    [Id(0)]
    public InstanceId Instance { get; init; }

    /// <summary>The latest run this tab knows.</summary>
    [Id(1)]
    public int Run { get; init; }

    /// <summary>Money put aside for the run; zero when nothing is.</summary>
    [Id(2)]
    public MicroEuro Hold { get; init; }

    /// <summary>When a hold whose meter never started falls back.</summary>
    [Id(3)]
    public DateTimeOffset? HoldLapsesAt { get; init; }

    /// <summary>Start of <c>running</c>; null when the meter is not running.</summary>
    [Id(4)]
    public DateTimeOffset? MeterSince { get; init; }

    /// <summary>Price snapshot of the run.</summary>
    [Id(5)]
    public MicroEuro PricePerHour { get; init; }

    /// <summary>Whole seconds of the run already in the ledger.</summary>
    [Id(6)]
    public long BilledSeconds { get; init; }

    /// <summary>Segments of the run already in the ledger.</summary>
    [Id(7)]
    public int Segments { get; init; }

    /// <summary>Whether the run is over: billed to its end, hold given back.</summary>
    [Id(8)]
    public bool Closed { get; init; }

    /// <summary>The request the run is due to.</summary>
    [Id(9)]
    public RequestId RequestId { get; init; }

    /// <summary>Whether the end it was billed to is the one the instance has on record, and not only meant to record.</summary>
    [Id(10), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool EndRecorded { get; init; }

    /// <summary>The tab of the run before, as long as it was billed to an end its instance had not yet on record; nearly always null.</summary>
    [Id(11)]
    public InstanceTab? Before { get; init; }
}

using System.Text.Json.Serialization;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>
/// The reservation or running bill of one instance at its account: first a hold, then a meter, then nothing. There is one row per
/// instance. It is kept until the instance is deleted, so that an old run can never be opened or billed again.
/// </summary>
/// <remarks>
/// <b>Provisional close.</b> A run is normally closed after its instance recorded the end. A re-route is different: the account closes
/// the old run in the same write that takes the hold of the next run, and the instance records both afterwards. If that record is lost,
/// the old run continues and ends later. A provisional close is therefore corrected when the instance closes the run with the
/// recorded end. Until then the tab of the old run is kept in <see cref="ProvisionalTab"/> of the tab that replaced it.
/// </remarks>
[GenerateSerializer, Immutable, Alias("scheduler.InstanceTab")]
public sealed record InstanceTab
{
    [Id(0)]
    public InstanceId Instance { get; init; }

    /// <summary>The latest run that this tab knows.</summary>
    [Id(1)]
    public int Run { get; init; }

    /// <summary>Money reserved for the run; zero when nothing is.</summary>
    [Id(2)]
    public MicroEuro Hold { get; init; }

    /// <summary>When a hold whose meter never started ends by itself.</summary>
    [Id(3)]
    public DateTimeOffset? HoldLapsesAt { get; init; }

    /// <summary>Start of <c>running</c>; null when the meter never started.</summary>
    [Id(4)]
    public DateTimeOffset? MeterSince { get; init; }

    /// <summary>Price snapshot of the run.</summary>
    [Id(5)]
    public MicroEuro PricePerHour { get; init; }

    /// <summary>Whole seconds of the run that are in the ledger.</summary>
    [Id(6)]
    public long BilledSeconds { get; init; }

    /// <summary>Ledger entries of the run so far.</summary>
    [Id(7)]
    public int Segments { get; init; }

    /// <summary>Whether the run is over: billed to its end, hold returned.</summary>
    [Id(8)]
    public bool Closed { get; init; }

    /// <summary>The request that started the run.</summary>
    [Id(9)]
    public RequestId RequestId { get; init; }

    /// <summary>Whether the close is final: the instance has recorded the end that the run was billed to.</summary>
    [Id(10), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool EndRecorded { get; init; }

    /// <summary>The tab of an earlier run, kept while its close is provisional; almost always null. Stored as <c>before</c>.</summary>
    [Id(11), JsonPropertyName("before")]
    public InstanceTab? ProvisionalTab { get; init; }

    /// <summary>Whether the run was billed to an end that its instance has not recorded yet.</summary>
    [JsonIgnore]
    public bool IsClosedProvisionally => Closed && MeterSince is not null && !EndRecorded;

    /// <summary>The unused part of the hold: all of it before the run, then less the cost of the run so far.</summary>
    public MicroEuro HoldLeft(DateTimeOffset now) =>
        MeterSince is { } since
            ? MicroEuro.Max(MicroEuro.Zero, Hold - Usage.Cost(PricePerHour, Usage.Seconds(since, now)))
            : Hold;
}

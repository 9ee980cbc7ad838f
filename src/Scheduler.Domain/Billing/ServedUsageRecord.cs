using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Billing;

/// <summary>
/// The requests and tokens that one instance has served, or that one key has used, in total and by day. State name <c>usage</c>.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.ServedUsageRecord")]
public sealed record ServedUsageRecord : IStoredState
{
    /// <summary>The schema version that this code writes.</summary>
    public const int CurrentSchemaVersion = 1;

    public const int DaysKept = 35;

    /// <summary>
    /// Gateways whose latest report is remembered. More than the number that report to one instance while a report may still be repeated.
    /// </summary>
    public const int GatewaysKept = 32;

    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    [Id(1)]
    public AccountId Account { get; init; }

    /// <summary>Empty until the first report, and for the usage of a key.</summary>
    [Id(2)]
    public InstanceId Instance { get; init; }

    /// <summary>Since the instance or the key was created.</summary>
    [Id(3)]
    public ServedUsage Total { get; init; } = ServedUsage.None;

    /// <summary>The latest days with requests, oldest first.</summary>
    [Id(4)]
    public ImmutableArray<ServedDay> Days { get; init; } = [];

    /// <summary>The latest report of each gateway, latest last, so that a repeated one has no effect.</summary>
    [Id(5)]
    public ImmutableArray<GatewayReport> Reports { get; init; } = [];

    [Id(6)]
    public DateTimeOffset? WakeAt { get; init; }

    [Id(7)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    /// <summary>Id of the key; null for the usage of an instance.</summary>
    [Id(8)]
    public string? KeyId { get; init; }

    [JsonIgnore]
    public bool Exists => Total.Requests > 0;

    /// <summary>Adds one report; returns the same record when it contains that report already.</summary>
    /// <param name="day">The UTC day that the report counts for.</param>
    public ServedUsageRecord With(
        AccountId account,
        InstanceId instance,
        GatewayReport report,
        ServedUsage served,
        DateOnly day
    )
    {
        if (Reports.Any(known => known.Gateway == report.Gateway && known.Sequence >= report.Sequence))
        {
            return this;
        }

        var reports = Reports.RemoveAll(known => known.Gateway == report.Gateway).Add(report);
        var at = Days.Length - 1;
        while (at >= 0 && Days[at].Day > day)
        {
            at--;
        }

        var days =
            at >= 0 && Days[at].Day == day
                ? Days.SetItem(at, new ServedDay(day, Days[at].Served + served))
                : Days.Insert(at + 1, new ServedDay(day, served));
        return this with
        {
            Account = account,
            Instance = instance,
            Total = Total + served,
            Days = days.Length > DaysKept ? days[^DaysKept..] : days,
            Reports = reports.Length > GatewaysKept ? reports[^GatewaysKept..] : reports,
        };
    }
}

/// <param name="Day">UTC.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ServedDay")]
public sealed record ServedDay([property: Id(0)] DateOnly Day, [property: Id(1)] ServedUsage Served);

/// <summary>Identifies one report.</summary>
/// <param name="Gateway">The gateway process that sends it.</param>
/// <param name="Sequence">Counts the reports of that process about one instance.</param>
[GenerateSerializer, Immutable, Alias("scheduler.DoorReport")]
public sealed record GatewayReport(
    [property: Id(0), JsonPropertyName("door")] string Gateway,
    [property: Id(1)] long Sequence
);

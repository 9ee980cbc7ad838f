using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Billing;

/// <summary>What one instance has served, in all and by day. State name <c>usage</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ServedUsageRecord")]
public sealed record ServedUsageRecord : IStoredState
{
    /// <summary>The shape this code writes.</summary>
    public const int CurrentSchemaVersion = 1;

    /// <summary>Days kept.</summary>
    public const int DaysKept = 35;

    /// <summary>Doors whose latest report is remembered: more than report to one instance within the time a report is repeated.</summary>
    public const int GatewaysKept = 32;

    /// <inheritdoc/>
    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>Whose.</summary>
    [Id(1)]
    public AccountId Account { get; init; }

    /// <summary>Which instance; empty until the first report.</summary>
    [Id(2)]
    public InstanceId Instance { get; init; }

    /// <summary>Since it was created.</summary>
    [Id(3)]
    public ServedUsage Total { get; init; } = ServedUsage.None;

    /// <summary>The latest days on which it served, oldest first.</summary>
    [Id(4)]
    public ImmutableArray<ServedDay> Days { get; init; } = [];

    /// <summary>The latest report of each door, latest last, so that a repeated one is harmless.</summary>
    [Id(5)]
    public ImmutableArray<GatewayReport> Reports { get; init; } = [];

    /// <inheritdoc/>
    [Id(6)]
    public DateTimeOffset? WakeAt { get; init; }

    /// <inheritdoc/>
    [Id(7)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    /// <summary>Whether anything was served.</summary>
    [JsonIgnore]
    public bool Exists => Total.Requests > 0;

    /// <summary>The record with one report in it; the record itself where that report is in it already.</summary>
    /// <param name="account">Whose the instance is.</param>
    /// <param name="instance">Which.</param>
    /// <param name="report">Which door's report, counting up.</param>
    /// <param name="served">What it reports.</param>
    /// <param name="day">The day it counts for, UTC.</param>
    public ServedUsageRecord With(
        AccountId account,
        InstanceId instance,
        GatewayReport report,
        ServedUsage served,
        DateOnly day
    )
    {
        ArgumentNullException.ThrowIfNull(report);
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

/// <summary>One day.</summary>
/// <param name="Day">UTC.</param>
/// <param name="Served">What was served on it.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ServedDay")]
public sealed record ServedDay([property: Id(0)] DateOnly Day, [property: Id(1)] ServedUsage Served);

/// <summary>Names one report.</summary>
/// <param name="Gateway">The process that makes it.</param>
/// <param name="Sequence">Counts its reports about one instance.</param>
[GenerateSerializer, Immutable, Alias("scheduler.DoorReport")]
public sealed record GatewayReport(
    [property: Id(0), JsonPropertyName("door")] string Gateway,
    [property: Id(1)] long Sequence
);

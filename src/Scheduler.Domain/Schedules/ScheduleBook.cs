using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Schedules;

/// <summary>All schedules of one instance. State name <c>schedules</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ScheduleBook")]
public sealed record ScheduleBook : IStoredState
{
    /// <summary>The shape this code writes.</summary>
    public const int CurrentSchemaVersion = 1;

    /// <summary>Schedules an instance may have: enough for every day of the week twice, little enough to be one state.</summary>
    public const int MostSchedules = 16;

    /// <inheritdoc/>
    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>Whose schedules these are.</summary>
    [Id(1)]
    public InstanceId Instance { get; init; }

    /// <summary>Whose the instance is.</summary>
    [Id(2)]
    public AccountId Account { get; init; }

    /// <summary>In order of id.</summary>
    [Id(3)]
    public ImmutableArray<Schedule> Schedules { get; init; } = [];

    /// <summary>The run that was decided on and is not known to be done; null for none.</summary>
    [Id(4)]
    public RunUnderWay? UnderWay { get; init; }

    /// <summary>Counts changes of schedules, also of those that are gone.</summary>
    [Id(5)]
    public long LastGeneration { get; init; }

    /// <inheritdoc/>
    [Id(6)]
    public DateTimeOffset? WakeAt { get; init; }

    /// <inheritdoc/>
    [Id(7)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    /// <summary>Sequence number of the latest event.</summary>
    [Id(8)]
    public long LastSequence { get; init; }

    /// <summary>Whether anything is in it.</summary>
    [JsonIgnore]
    public bool IsEmpty => Schedules.IsEmpty;

    /// <summary>A schedule by its id; null when there is none.</summary>
    public Schedule? Find(string id) =>
        Schedules.FirstOrDefault(schedule => string.Equals(schedule.Id, id, StringComparison.Ordinal));
}

/// <summary>One schedule.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.Schedule")]
public sealed record Schedule
{
    /// <summary>Its id, unique in the instance.</summary>
    [Id(0)]
    public string Id { get; init; } = "";

    /// <summary>What it does and when.</summary>
    [Id(1)]
    public ScheduleSpec Spec { get; init; } = new();

    /// <summary>Rises with every change of it, and is never used again for another schedule of the instance.</summary>
    [Id(2)]
    public long Generation { get; init; }

    /// <summary>When it was created.</summary>
    [Id(3)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed; runs are no change.</summary>
    [Id(4)]
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Up to where its timetable is dealt with. It only goes forward, so that a clock set back repeats nothing.</summary>
    [Id(5)]
    public Occurrence DealtWith { get; init; }

    /// <summary>How its latest run went; null before the first.</summary>
    [Id(6)]
    public ScheduleRun? LastRun { get; init; }
}

/// <summary>A run that was decided on: written before the instance is told, so that a crash neither loses nor doubles it.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.RunUnderWay")]
public sealed record RunUnderWay
{
    /// <summary>Which schedule.</summary>
    [Id(0)]
    public string Schedule { get; init; } = "";

    /// <summary>What is done.</summary>
    [Id(1)]
    public ScheduleAction Action { get; init; }

    /// <summary>What it came due for.</summary>
    [Id(2)]
    public Occurrence Due { get; init; }

    /// <summary>The first of those that were missed before it; null when none was.</summary>
    [Id(3)]
    public DateTimeOffset? MissedSince { get; init; }

    /// <summary>When it was decided on.</summary>
    [Id(4)]
    public DateTimeOffset Since { get; init; }

    /// <summary>Names this run for good, as request id and as idempotency id of the command to the instance.</summary>
    [Id(5)]
    public RequestId RequestId { get; init; }
}

/// <summary>How a run went.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ScheduleRun")]
public sealed record ScheduleRun
{
    /// <summary>What it came due for.</summary>
    [Id(0)]
    public Occurrence Due { get; init; }

    /// <summary>The first of those that were missed before it; null when none was.</summary>
    [Id(1)]
    public DateTimeOffset? MissedSince { get; init; }

    /// <summary>When it was done.</summary>
    [Id(2)]
    public DateTimeOffset At { get; init; }

    /// <summary>What was done.</summary>
    [Id(3)]
    public ScheduleAction Action { get; init; }

    /// <summary>With what success.</summary>
    [Id(4)]
    public RunOutcome Outcome { get; init; }

    /// <summary>One line for people.</summary>
    [Id(5)]
    public string Reason { get; init; } = "";

    /// <summary>Why the instance refused; null unless it did.</summary>
    [Id(6)]
    public Failure? Failure { get; init; }

    /// <summary>The request id under which the instance was told.</summary>
    [Id(7)]
    public RequestId RequestId { get; init; }
}

/// <summary>How a run can end.</summary>
public enum RunOutcome
{
    /// <summary>The instance does what it was told.</summary>
    Done = 1,

    /// <summary>It was so already: live when it was to start, stopped when it was to stop.</summary>
    AlreadySo = 2,

    /// <summary>Its state forbade it all the time that was waited.</summary>
    Skipped = 3,

    /// <summary>A check refused it, with a code of the catalogue.</summary>
    Refused = 4,

    /// <summary>Another run of the instance, due later, was done instead.</summary>
    Superseded = 5,
}

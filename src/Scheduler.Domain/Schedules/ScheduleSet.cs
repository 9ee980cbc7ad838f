using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Schedules;

/// <summary>All schedules of one instance, as stored. State name <c>schedules</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ScheduleBook")]
public sealed record ScheduleSet : IStoredState
{
    public const int CurrentSchemaVersion = 1;

    /// <summary>Enough for two on each day of the week, and small enough for one state.</summary>
    public const int MostSchedules = 16;

    /// <inheritdoc/>
    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    [Id(1)]
    public InstanceId Instance { get; init; }

    [Id(2)]
    public AccountId Account { get; init; }

    /// <summary>Sorted by id.</summary>
    [Id(3)]
    public ImmutableArray<Schedule> Schedules { get; init; } = [];

    /// <summary>The run that is recorded and not yet concluded; null for none.</summary>
    [Id(4)]
    [JsonPropertyName("underWay")]
    public RunInProgress? InProgress { get; init; }

    /// <summary>Counts the changes of all schedules, deleted ones included.</summary>
    [Id(5)]
    public long LastGeneration { get; init; }

    /// <inheritdoc/>
    [Id(6)]
    public DateTimeOffset? WakeAt { get; init; }

    /// <inheritdoc/>
    [Id(7)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    [Id(8)]
    public long LastSequence { get; init; }

    [JsonIgnore]
    public bool IsEmpty => Schedules.IsEmpty;

    /// <summary>Null when there is none.</summary>
    public Schedule? Find(string id) =>
        Schedules.FirstOrDefault(schedule => string.Equals(schedule.Id, id, StringComparison.Ordinal));
}

[GenerateSerializer, Immutable, Alias("scheduler.Schedule")]
public sealed record Schedule
{
    /// <summary>Unique in the instance.</summary>
    [Id(0)]
    public string Id { get; init; } = "";

    [Id(1)]
    public ScheduleSpec Spec { get; init; } = new();

    /// <summary>Rises with each change; never used again for another schedule of the instance.</summary>
    [Id(2)]
    public long Generation { get; init; }

    [Id(3)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>A run is not a change.</summary>
    [Id(4)]
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>The timetable is processed up to here. Only moves forward: a clock set back repeats no run.</summary>
    [Id(5)]
    public Occurrence DealtWith { get; init; }

    /// <summary>Null before the first.</summary>
    [Id(6)]
    public ScheduleRun? LastRun { get; init; }
}

/// <summary>
/// A run in progress. It is stored before the command is sent to the instance, so a crash neither loses nor repeats the
/// run.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.RunUnderWay")]
public sealed record RunInProgress
{
    [Id(0)]
    public string Schedule { get; init; } = "";

    [Id(1)]
    public ScheduleAction Action { get; init; }

    [Id(2)]
    public Occurrence Due { get; init; }

    /// <summary>The first of the missed occurrences before it; null when none was missed.</summary>
    [Id(3)]
    public DateTimeOffset? MissedSince { get; init; }

    [Id(4)]
    public DateTimeOffset Since { get; init; }

    /// <summary>Request id and idempotency id of the command to the instance; permanent for this run.</summary>
    [Id(5)]
    public RequestId RequestId { get; init; }
}

[GenerateSerializer, Immutable, Alias("scheduler.ScheduleRun")]
public sealed record ScheduleRun
{
    [Id(0)]
    public Occurrence Due { get; init; }

    /// <summary>The first of the missed occurrences before it; null when none was missed.</summary>
    [Id(1)]
    public DateTimeOffset? MissedSince { get; init; }

    [Id(2)]
    public DateTimeOffset At { get; init; }

    [Id(3)]
    public ScheduleAction Action { get; init; }

    [Id(4)]
    public RunOutcome Outcome { get; init; }

    /// <summary>One line, for people.</summary>
    [Id(5)]
    public string Reason { get; init; } = "";

    /// <summary>Why the instance refused; null when it did not.</summary>
    [Id(6)]
    public Failure? Failure { get; init; }

    /// <summary>The request id of the command to the instance.</summary>
    [Id(7)]
    public RequestId RequestId { get; init; }
}

public enum RunOutcome
{
    /// <summary>The instance accepted the command.</summary>
    Done = 1,

    /// <summary>No change was needed: live at a start, stopped at a stop.</summary>
    AlreadySo = 2,

    /// <summary>The state of the instance did not permit it within the maximum wait.</summary>
    Skipped = 3,

    /// <summary>A check refused it, with a failure code.</summary>
    Refused = 4,

    /// <summary>Another run of the instance with a later due time replaced it.</summary>
    Superseded = 5,
}

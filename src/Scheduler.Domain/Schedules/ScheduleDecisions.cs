using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;

namespace Scheduler.Domain.Schedules;

/// <summary>Pure rules for an instance's schedules; each method returns the whole state of the next write.</summary>
/// <remarks>
/// <para>
/// <b>Once.</b> The processed point of a schedule only moves forward, by local time and by instant. After a clock is
/// set back, the occurrences are already processed. When new time zone data moves an occurrence to a later instant, its
/// local time is already processed. A run is recorded before the command is sent to the instance, under an id made from
/// schedule, generation and local time. After a crash the command is sent again, and the instance recognizes the id.
/// </para>
/// <para>
/// <b>Only the latest missed.</b> Of the missed occurrences of a schedule, only the latest runs. Of several due
/// schedules of an instance, only the one with the latest due time runs; at the same time, a stop wins over a start.
/// The result is the same as if all had run in turn. But no launch is paid for and ended at once, and no start meets an
/// instance that is still stopping.
/// </para>
/// </remarks>
public static class ScheduleDecisions
{
    /// <summary>Maximum time for which a start waits, and is retried, while the instance is stopping.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(10);

    /// <summary>Time after which the agenda checks again whether a recorded run is concluded.</summary>
    public static readonly TimeSpan TryAgainAfter = TimeSpan.FromSeconds(5);

    /// <summary>Time after which a schedule is checked again when the host does not know its time zone.</summary>
    private static readonly TimeSpan RecheckAfter = TimeSpan.FromHours(1);

    /// <summary>Adds a schedule, or replaces the spec of one. Past occurrences do not run.</summary>
    /// <param name="zones">Finds a time zone by name; null for an unknown name.</param>
    public static ScheduleSet Put(
        ScheduleSet set,
        string id,
        ScheduleSpec spec,
        Func<string, TimeZoneInfo?> zones,
        in Cause cause
    )
    {
        var known = set.Find(id);
        var place =
            known is not null && !known.Spec.HasOtherTimesThan(spec)
                ? known.DealtWith
                : spec.TimetableIn(zones)?.PlaceOf(cause.Now) ?? new Occurrence(cause.Now.UtcDateTime, cause.Now);
        var put = (known ?? new Schedule { Id = id, CreatedAt = cause.Now }) with
        {
            Spec = spec,
            Generation = set.LastGeneration + 1,
            UpdatedAt = cause.Now,
            DealtWith = place,
        };
        var next = (known is null ? set : Without(set, id)) with { LastGeneration = put.Generation };
        next = next with
        {
            Schedules = [.. next.Schedules.Add(put).OrderBy(schedule => schedule.Id, StringComparer.Ordinal)],
            // Disabling a schedule also drops its run in progress.
            InProgress = set.InProgress?.Schedule == id && spec.Enabled ? set.InProgress : next.InProgress,
        };
        return Written(next, zones, cause, ScheduleEvents.Put(put, isNew: known is null, cause));
    }

    public static ScheduleSet Remove(ScheduleSet set, string id, Func<string, TimeZoneInfo?> zones, in Cause cause) =>
        Written(Without(set, id), zones, cause, ScheduleEvents.Removed(id, cause));

    /// <summary>Removes all schedules, because the instance is deleted.</summary>
    public static ScheduleSet Forget(ScheduleSet set, in Cause cause) =>
        Written(
            set with
            {
                Schedules = [],
                InProgress = null,
            },
            _ => null,
            cause,
            ScheduleEvents.InstanceDeleted(cause)
        );

    /// <summary>Records the run that is due; returns the same state when none is due.</summary>
    /// <param name="zones">Finds a time zone by name; null for an unknown name.</param>
    public static ScheduleSet TakeUp(ScheduleSet set, Func<string, TimeZoneInfo?> zones, DateTimeOffset now)
    {
        var due = set
            .Schedules.Select(schedule => DueOf(set, schedule, zones, now))
            .OfType<RunInProgress>()
            .OrderBy(run => run.Due.At)
            .ThenBy(run => run.Action)
            .ThenBy(run => run.Schedule, StringComparer.Ordinal)
            .ToList();
        if (due.Count == 0)
        {
            return set;
        }

        var chosen = due[^1];
        var cause = new Cause(now, chosen.RequestId, ScheduleEvents.ActorOf(chosen.Schedule));
        var passed = set.InProgress is { } earlier ? due.SkipLast(1).Prepend(earlier) : due.SkipLast(1);
        var next = set with
        {
            InProgress = chosen,
            Schedules =
            [
                .. set.Schedules.Select(schedule =>
                    due.Find(run => run.Schedule == schedule.Id) is { } run
                        ? schedule with
                        {
                            DealtWith = run.Due,
                        }
                        : schedule
                ),
            ],
        };
        var events = new List<StoredEvent>();
        foreach (var run in passed)
        {
            var reason = $"{chosen.Schedule} came due later and is done instead";
            var ended = EndOf(run, RunOutcome.Superseded, reason, null, now);
            events.Add(ScheduleEvents.Ended(run.Schedule, ended));
            next = WithRun(next, run.Schedule, ended);
        }

        return Written(next, zones, cause, [.. events]);
    }

    /// <summary>Records the result of the run in progress.</summary>
    /// <param name="reason">One line, for people.</param>
    /// <param name="failure">Why the instance refused; null when it did not.</param>
    /// <param name="zones">Finds a time zone by name; null for an unknown name.</param>
    public static ScheduleSet Conclude(
        ScheduleSet set,
        RunOutcome outcome,
        string reason,
        Failure? failure,
        Func<string, TimeZoneInfo?> zones,
        DateTimeOffset now
    )
    {
        var run = set.InProgress ?? throw new InvalidOperationException("No run is in progress.");
        var ended = EndOf(run, outcome, reason, failure, now);
        var next = WithRun(set, run.Schedule, ended) with { InProgress = null };
        var cause = new Cause(now, run.RequestId, ScheduleEvents.ActorOf(run.Schedule));
        return Written(next, zones, cause, ScheduleEvents.Ended(run.Schedule, ended));
    }

    /// <summary>When the schedules must be checked next; null for never.</summary>
    public static DateTimeOffset? NextWake(ScheduleSet set, Func<string, TimeZoneInfo?> zones, DateTimeOffset now)
    {
        var due = set
            .Schedules.Where(schedule => schedule.Spec.Enabled)
            .Min(schedule =>
                schedule.Spec.TimetableIn(zones) is { } timetable
                    ? timetable.NextAfter(schedule.DealtWith)?.At
                    : now + RecheckAfter
            );
        return set.InProgress is not null && !(due < now + TryAgainAfter) ? now + TryAgainAfter : due;
    }

    private static RunInProgress? DueOf(
        ScheduleSet set,
        Schedule schedule,
        Func<string, TimeZoneInfo?> zones,
        DateTimeOffset now
    )
    {
        if (
            !schedule.Spec.Enabled
            || schedule.Spec.TimetableIn(zones) is not { } timetable
            || timetable.LatestUntil(now) is not { } latest
            || latest.Local <= schedule.DealtWith.Local
            || latest.At <= schedule.DealtWith.At
        )
        {
            return null;
        }

        var first = timetable.NextAfter(schedule.DealtWith);
        var local = latest.Local.ToString("yyyyMMdd'T'HHmm", CultureInfo.InvariantCulture);
        return new RunInProgress
        {
            Schedule = schedule.Id,
            Action = schedule.Spec.Action,
            Due = latest,
            MissedSince = first?.At < latest.At ? first.Value.At : null,
            Since = now,
            RequestId = new RequestId(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"req-{set.Instance}-{schedule.Id}-{schedule.Generation}-{local}"
                )
            ),
        };
    }

    private static ScheduleRun EndOf(
        RunInProgress run,
        RunOutcome outcome,
        string reason,
        Failure? failure,
        DateTimeOffset now
    ) =>
        new()
        {
            Due = run.Due,
            MissedSince = run.MissedSince,
            At = now,
            Action = run.Action,
            Outcome = outcome,
            Reason = reason,
            Failure = failure,
            RequestId = run.RequestId,
        };

    private static ScheduleSet WithRun(ScheduleSet set, string id, ScheduleRun run) =>
        set with
        {
            Schedules =
            [
                .. set.Schedules.Select(schedule => schedule.Id == id ? schedule with { LastRun = run } : schedule),
            ],
        };

    private static ScheduleSet Without(ScheduleSet set, string id) =>
        set with
        {
            Schedules = set.Schedules.RemoveAll(schedule => schedule.Id == id),
            InProgress = set.InProgress?.Schedule == id ? null : set.InProgress,
        };

    /// <summary>The last step of every decision: numbers the events and sets the wake-up time.</summary>
    private static ScheduleSet Written(
        ScheduleSet next,
        Func<string, TimeZoneInfo?> zones,
        in Cause cause,
        params ImmutableArray<StoredEvent> events
    ) =>
        next with
        {
            Events = [.. events.Select((happened, i) => happened with { Sequence = next.LastSequence + i + 1 })],
            LastSequence = next.LastSequence + events.Length,
            WakeAt = NextWake(next, zones, cause.Now),
        };
}

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
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromHours(1);

    /// <summary>Adds a schedule, or replaces the spec of one. Past occurrences do not run.</summary>
    /// <param name="zones">Finds a time zone by name; null for an unknown name.</param>
    public static ScheduleBook Put(
        ScheduleBook book,
        string id,
        ScheduleSpec spec,
        Func<string, TimeZoneInfo?> zones,
        in Cause cause
    )
    {
        ArgumentNullException.ThrowIfNull(book);
        var known = book.Find(id);
        var place =
            known is not null && !known.Spec.HasOtherTimesThan(spec)
                ? known.DealtWith
                : spec.TimetableIn(zones)?.PlaceOf(cause.Now) ?? new Occurrence(cause.Now.UtcDateTime, cause.Now);
        var put = (known ?? new Schedule { Id = id, CreatedAt = cause.Now }) with
        {
            Spec = spec,
            Generation = book.LastGeneration + 1,
            UpdatedAt = cause.Now,
            DealtWith = place,
        };
        var next = (known is null ? book : Without(book, id)) with { LastGeneration = put.Generation };
        next = next with
        {
            Schedules = [.. next.Schedules.Add(put).OrderBy(schedule => schedule.Id, StringComparer.Ordinal)],
            // Disabling a schedule also drops its run in progress.
            UnderWay = book.UnderWay?.Schedule == id && spec.Enabled ? book.UnderWay : next.UnderWay,
        };
        return Written(next, zones, cause, ScheduleEvents.Put(put, isNew: known is null, cause));
    }

    public static ScheduleBook Remove(ScheduleBook book, string id, Func<string, TimeZoneInfo?> zones, in Cause cause)
    {
        ArgumentNullException.ThrowIfNull(book);
        return Written(Without(book, id), zones, cause, ScheduleEvents.Removed(id, cause));
    }

    /// <summary>Removes all schedules, because the instance is deleted.</summary>
    public static ScheduleBook Forget(ScheduleBook book, in Cause cause)
    {
        ArgumentNullException.ThrowIfNull(book);
        return Written(
            book with
            {
                Schedules = [],
                UnderWay = null,
            },
            _ => null,
            cause,
            ScheduleEvents.InstanceDeleted(cause)
        );
    }

    /// <summary>Records the run that is due; returns the same state when none is due.</summary>
    /// <param name="zones">Finds a time zone by name; null for an unknown name.</param>
    public static ScheduleBook TakeUp(ScheduleBook book, Func<string, TimeZoneInfo?> zones, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(book);
        var due = book
            .Schedules.Select(schedule => DueOf(book, schedule, zones, now))
            .OfType<RunUnderWay>()
            .OrderBy(run => run.Due.At)
            .ThenBy(run => run.Action)
            .ThenBy(run => run.Schedule, StringComparer.Ordinal)
            .ToList();
        if (due.Count == 0)
        {
            return book;
        }

        var chosen = due[^1];
        var cause = new Cause(now, chosen.RequestId, ScheduleEvents.ActorOf(chosen.Schedule));
        var passed = book.UnderWay is { } earlier ? due.SkipLast(1).Prepend(earlier) : due.SkipLast(1);
        var next = book with
        {
            UnderWay = chosen,
            Schedules =
            [
                .. book.Schedules.Select(schedule =>
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
    public static ScheduleBook Conclude(
        ScheduleBook book,
        RunOutcome outcome,
        string reason,
        Failure? failure,
        Func<string, TimeZoneInfo?> zones,
        DateTimeOffset now
    )
    {
        ArgumentNullException.ThrowIfNull(book);
        var run = book.UnderWay ?? throw new InvalidOperationException("No run is in progress.");
        var ended = EndOf(run, outcome, reason, failure, now);
        var next = WithRun(book, run.Schedule, ended) with { UnderWay = null };
        var cause = new Cause(now, run.RequestId, ScheduleEvents.ActorOf(run.Schedule));
        return Written(next, zones, cause, ScheduleEvents.Ended(run.Schedule, ended));
    }

    /// <summary>When the schedules must be checked next; null for never.</summary>
    public static DateTimeOffset? NextWake(ScheduleBook book, Func<string, TimeZoneInfo?> zones, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(book);
        var due = book
            .Schedules.Where(schedule => schedule.Spec.Enabled)
            .Min(schedule =>
                schedule.Spec.TimetableIn(zones) is { } timetable
                    ? timetable.NextAfter(schedule.DealtWith)?.At
                    : now + LookAgainAfter
            );
        return book.UnderWay is not null && !(due < now + TryAgainAfter) ? now + TryAgainAfter : due;
    }

    private static RunUnderWay? DueOf(
        ScheduleBook book,
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
        return new RunUnderWay
        {
            Schedule = schedule.Id,
            Action = schedule.Spec.Action,
            Due = latest,
            MissedSince = first?.At < latest.At ? first.Value.At : null,
            Since = now,
            RequestId = new RequestId(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"req-{book.Instance}-{schedule.Id}-{schedule.Generation}-{local}"
                )
            ),
        };
    }

    private static ScheduleRun EndOf(
        RunUnderWay run,
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

    private static ScheduleBook WithRun(ScheduleBook book, string id, ScheduleRun run) =>
        book with
        {
            Schedules =
            [
                .. book.Schedules.Select(schedule => schedule.Id == id ? schedule with { LastRun = run } : schedule),
            ],
        };

    private static ScheduleBook Without(ScheduleBook book, string id) =>
        book with
        {
            Schedules = book.Schedules.RemoveAll(schedule => schedule.Id == id),
            UnderWay = book.UnderWay?.Schedule == id ? null : book.UnderWay,
        };

    /// <summary>The last step of every decision: numbers the events and sets the wake-up time.</summary>
    private static ScheduleBook Written(
        ScheduleBook next,
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

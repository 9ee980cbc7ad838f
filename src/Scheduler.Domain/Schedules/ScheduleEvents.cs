using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;

namespace Scheduler.Domain.Schedules;

/// <summary>Timeline events; each names its schedule, so that a timeline can be filtered by schedule.</summary>
public static class ScheduleEvents
{
    private const string ScheduleKey = "schedule";

    public static string ActorOf(string schedule) => $"schedule:{schedule}";

    public static bool IsAbout(this StoredEvent happened, string schedule)
    {
        return happened.Data.TryGetValue(ScheduleKey, out var about)
            && string.Equals(about, schedule, StringComparison.Ordinal);
    }

    internal static StoredEvent Put(Schedule schedule, bool isNew, in Cause cause)
    {
        var spec = schedule.Spec;
        var data = About(schedule.Id)
            .Add("action", Word(spec.Action))
            .Add("cron", spec.Cron)
            .Add("time_zone", spec.TimeZone)
            .Add("enabled", spec.Enabled ? "true" : "false");
        return Caused(
            isNew ? "ScheduleCreated" : "ScheduleUpdated",
            $"{Word(spec.Action)} at {spec.Cron}, {spec.TimeZone}{(spec.Enabled ? "" : ", disabled")}",
            data,
            cause
        );
    }

    internal static StoredEvent Removed(string id, in Cause cause) =>
        Caused("ScheduleDeleted", "deleted", About(id), cause);

    internal static StoredEvent InstanceDeleted(in Cause cause) =>
        Caused(
            "InstanceDeleted",
            "its schedules are deleted with it",
            ImmutableSortedDictionary<string, string>.Empty,
            cause
        );

    internal static StoredEvent Ended(string id, ScheduleRun run)
    {
        var data = About(id)
            .Add("action", Word(run.Action))
            .Add("due", Text(run.Due.At))
            .Add("due_local", run.Due.Local.ToString("yyyy-MM-dd'T'HH:mm", CultureInfo.InvariantCulture));
        return new StoredEvent
        {
            At = run.At,
            Trigger = $"Run{run.Outcome}",
            Reason = run.Reason,
            RequestId = run.RequestId,
            Actor = ActorOf(id),
            Code = run.Failure?.Code ?? FailureCode.None,
            Data = run.MissedSince is { } missed ? data.Add("missed_since", Text(missed)) : data,
        };
    }

    private static StoredEvent Caused(
        string trigger,
        string reason,
        ImmutableSortedDictionary<string, string> data,
        in Cause cause
    ) =>
        new()
        {
            At = cause.Now,
            Trigger = trigger,
            Reason = reason,
            RequestId = cause.RequestId,
            Actor = cause.Actor,
            Data = data,
        };

    private static ImmutableSortedDictionary<string, string> About(string id) =>
        ImmutableSortedDictionary<string, string>.Empty.Add(ScheduleKey, id);

    private static string Word(ScheduleAction action) => action == ScheduleAction.Start ? "start" : "stop";

    private static string Text(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}

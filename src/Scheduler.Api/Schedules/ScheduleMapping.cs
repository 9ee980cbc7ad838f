using System.Diagnostics;
using System.Globalization;
using Scheduler.Api.Failures;
using Scheduler.Api.Pipeline;
using Scheduler.Domain.Schedules;
using Scheduler.Grains.Schedules;

namespace Scheduler.Api.Schedules;

internal static class ScheduleMapping
{
    public static ScheduleSpec ToDomain(this V1.CreateScheduleRequest request) =>
        new()
        {
            Action = request.Action.ToDomain(),
            Cron = Plain(request.Cron),
            TimeZone = request.TimeZone,
            Enabled = !request.HasEnabled || request.Enabled,
            Description = request.Description,
        };

    public static UpdateSchedule ToDomain(this V1.UpdateScheduleRequest request) =>
        new(
            request.Takes("action", request.Action != V1.ScheduleAction.Unspecified) ? request.Action.ToDomain() : null,
            request.Takes("cron", request.Cron.Length > 0) ? Plain(request.Cron) : null,
            request.Takes("time_zone", request.TimeZone.Length > 0) ? request.TimeZone : null,
            request.Takes("enabled", request.HasEnabled) ? request.Enabled : null,
            request.Takes("description", request.Description.Length > 0) ? request.Description : null,
            request.HasIfGeneration ? request.IfGeneration : null
        );

    public static V1.Schedule ToProto(this ScheduleView view)
    {
        var (schedule, spec) = (view.Schedule, view.Schedule.Spec);
        var proto = new V1.Schedule
        {
            Name = ResourceName.Schedule(view.Account, view.Instance, schedule.Id),
            Action = spec.Action.ToProto(),
            Cron = spec.Cron,
            TimeZone = spec.TimeZone,
            Enabled = spec.Enabled,
            Description = spec.Description,
            LastRun = schedule.LastRun?.ToProto(),
            Generation = schedule.Generation,
            CreateTime = schedule.CreatedAt.ToProtoTime(),
            UpdateTime = schedule.UpdatedAt.ToProtoTime(),
        };
        if (!view.NextRuns.IsEmpty)
        {
            proto.NextRunTime = view.NextRuns[0].ToProtoTime();
            proto.NextRunTimes.AddRange(view.NextRuns.Select(run => run.ToProtoTime()));
        }

        return proto;
    }

    private static V1.ScheduleRun ToProto(this ScheduleRun run) =>
        new()
        {
            DueTime = run.Due.At.ToProtoTime(),
            DueLocalTime = run.Due.Local.ToString("yyyy-MM-dd'T'HH:mm", CultureInfo.InvariantCulture),
            Time = run.At.ToProtoTime(),
            MissedSince = run.MissedSince.ToProtoTime(),
            Action = run.Action.ToProto(),
            Result = run.Outcome switch
            {
                RunOutcome.Done => V1.RunResult.Done,
                RunOutcome.AlreadySo => V1.RunResult.AlreadySo,
                RunOutcome.Skipped => V1.RunResult.Skipped,
                RunOutcome.Refused => V1.RunResult.Refused,
                RunOutcome.Superseded => V1.RunResult.Superseded,
                _ => throw new UnreachableException(),
            },
            Reason = run.Reason,
            Failure = run.Failure is { } failure ? FailureOf(failure, run) : null,
            RequestId = run.RequestId.Text(),
        };

    private static V1.Failure FailureOf(Domain.Failures.Failure failure, ScheduleRun run)
    {
        var proto = failure.ToProto();
        proto.RequestId = run.RequestId.Text();
        proto.FailedAt = run.At.ToProtoTime();
        return proto;
    }

    private static V1.ScheduleAction ToProto(this ScheduleAction action) =>
        action switch
        {
            ScheduleAction.Start => V1.ScheduleAction.Start,
            ScheduleAction.Stop => V1.ScheduleAction.Stop,
            _ => throw new UnreachableException(),
        };

    /// <summary>An unknown action becomes the default value, which the check of the spec refuses.</summary>
    private static ScheduleAction ToDomain(this V1.ScheduleAction action) =>
        action switch
        {
            V1.ScheduleAction.Start => ScheduleAction.Start,
            V1.ScheduleAction.Stop => ScheduleAction.Stop,
            V1.ScheduleAction.Unspecified or _ => default,
        };

    /// <summary>Puts exactly one blank between the fields, so that equal schedules have equal text.</summary>
    private static string Plain(string cron) =>
        string.Join(' ', cron.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}

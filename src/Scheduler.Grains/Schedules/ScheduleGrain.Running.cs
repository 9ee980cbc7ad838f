using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Schedules;

namespace Scheduler.Grains.Schedules;

/// <summary>Runs what is due: decides, records, commands the instance, records the result.</summary>
internal sealed partial class ScheduleGrain
{
    public async Task<DateTimeOffset?> WakeAsync()
    {
        await state.ReadStateAsync(CancellationToken.None);
        var next = ScheduleDecisions.TakeUp(Current, TimeZones.Find, clock.Now());
        if (next != Current)
        {
            await RecordRunsAsync(next);
        }

        if (Current.InProgress is { } run)
        {
            await FollowUpAsync(run);
        }

        LogUnknownZones();
        return ScheduleDecisions.NextWake(Current, TimeZones.Find, clock.Now());
    }

    private async Task FollowUpAsync(RunInProgress run)
    {
        var command = new CommandContext(
            run.RequestId,
            ScheduleEvents.ActorOf(run.Schedule),
            Current.Account,
            run.RequestId.Value
        );
        var instance = grains.Instance(Instance);
        var answer =
            run.Action == ScheduleAction.Start ? await instance.StartAsync(command) : await instance.StopAsync(command);
        if (answer.IsOk)
        {
            await ConcludeAsync(RunOutcome.Done, $"the instance is {answer.Value.State.WireName()}");
            return;
        }

        var refusal = answer.Refusal;
        switch (refusal.Kind)
        {
            case RefusalKind.Failed when refusal.Failure is { } failure:
                await ConcludeAsync(RunOutcome.Refused, failure.Message, failure);
                break;
            case RefusalKind.WrongState:
                await FollowUpAsync(run, Enum.Parse<InstanceState>(refusal.State!));
                break;
            case RefusalKind.NotFound:
                await RecordAsync(ScheduleDecisions.Forget(Current, CauseOf(command)));
                break;
            case RefusalKind.Failed or RefusalKind.AlreadyExists or RefusalKind.Invalid:
            default:
                throw new UnreachableException($"{run.Action} was answered {refusal.Kind}: {refusal.Message}");
        }
    }

    private async Task FollowUpAsync(RunInProgress run, InstanceState found)
    {
        if (found == InstanceState.Deleted)
        {
            var cause = new Cause(clock.Now(), run.RequestId, ScheduleEvents.ActorOf(run.Schedule));
            await RecordAsync(ScheduleDecisions.Forget(Current, cause));
        }
        else if (run.Action == ScheduleAction.Stop || found != InstanceState.Stopping)
        {
            await ConcludeAsync(RunOutcome.AlreadySo, $"the instance is {found.WireName()} already");
        }
        else if (clock.Now() - run.Since >= ScheduleDecisions.LongestWait)
        {
            var waited = $"{ScheduleDecisions.LongestWait.TotalMinutes:0} minutes";
            await ConcludeAsync(RunOutcome.Skipped, $"the instance was still stopping after {waited}");
        }
    }

    private Task ConcludeAsync(RunOutcome outcome, string reason, Failure? failure = null) =>
        RecordRunsAsync(ScheduleDecisions.Conclude(Current, outcome, reason, failure, TimeZones.Find, clock.Now()));

    /// <summary>Records runs that ended, then counts them from the record.</summary>
    private async Task RecordRunsAsync(ScheduleSet next)
    {
        var before = Current;
        await RecordAsync(next);
        foreach (var schedule in next.Schedules)
        {
            if (schedule.LastRun is { } run && run != before.Find(schedule.Id)?.LastRun)
            {
                metrics.ScheduleRan(run);
                LogRan(Instance, schedule.Id, run.Action, run.Due.At, run.Outcome, run.Reason, run.RequestId);
            }
        }
    }

    /// <summary>A time zone accepted earlier can be unknown here: another host, or other time zone data.</summary>
    private void LogUnknownZones()
    {
        foreach (var schedule in Current.Schedules)
        {
            if (schedule.Spec.Enabled && TimeZones.Find(schedule.Spec.TimeZone) is null)
            {
                LogUnknownZone(Instance, schedule.Id, schedule.Spec.TimeZone);
            }
        }
    }

    [LoggerMessage(
        1501,
        LogLevel.Information,
        "Instance {Instance}: schedule {Schedule} ran {Action} due at {Due}: {Outcome}, {Reason} (request {RequestId})"
    )]
    private partial void LogRan(
        InstanceId instance,
        string schedule,
        ScheduleAction action,
        DateTimeOffset due,
        RunOutcome outcome,
        string reason,
        RequestId requestId
    );

    [LoggerMessage(
        1502,
        LogLevel.Warning,
        "Instance {Instance}: schedule {Schedule} cannot run; time zone {TimeZone} is unknown on this host"
    )]
    private partial void LogUnknownZone(InstanceId instance, string schedule, string timeZone);
}

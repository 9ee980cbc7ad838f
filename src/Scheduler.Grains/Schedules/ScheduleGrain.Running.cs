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
        var next = ScheduleDecisions.TakeUp(Book, TimeZones.Find, clock.Now());
        if (next != Book)
        {
            await RecordRunsAsync(next);
        }

        if (Book.UnderWay is { } run)
        {
            await FollowUpAsync(run);
        }

        LogUnknownZones();
        return ScheduleDecisions.NextWake(Book, TimeZones.Find, clock.Now());
    }

    private async Task FollowUpAsync(RunUnderWay run)
    {
        var command = new CommandContext(
            run.RequestId,
            ScheduleEvents.ActorOf(run.Schedule),
            Book.Account,
            run.RequestId.Value
        );
        var instance = grains.Instance(Instance);
        var answer =
            run.Action == ScheduleAction.Start ? await instance.StartAsync(command) : await instance.StopAsync(command);
        if (answer.IsOk)
        {
            await ConcludeAsync(RunOutcome.Done, $"the instance is {Word(answer.Value.State)}");
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
                await RecordAsync(ScheduleDecisions.Forget(Book, CauseOf(command)));
                break;
            case RefusalKind.Failed or RefusalKind.AlreadyExists or RefusalKind.Invalid:
            default:
                throw new UnreachableException($"{run.Action} was answered {refusal.Kind}: {refusal.Message}");
        }
    }

    private async Task FollowUpAsync(RunUnderWay run, InstanceState found)
    {
        if (found == InstanceState.Deleted)
        {
            var cause = new Cause(clock.Now(), run.RequestId, ScheduleEvents.ActorOf(run.Schedule));
            await RecordAsync(ScheduleDecisions.Forget(Book, cause));
        }
        else if (run.Action == ScheduleAction.Stop || found != InstanceState.Stopping)
        {
            await ConcludeAsync(RunOutcome.AlreadySo, $"the instance is {Word(found)} already");
        }
        else if (clock.Now() - run.Since >= ScheduleDecisions.LongestWait)
        {
            var waited = $"{ScheduleDecisions.LongestWait.TotalMinutes:0} minutes";
            await ConcludeAsync(RunOutcome.Skipped, $"the instance was still stopping after {waited}");
        }
    }

    private Task ConcludeAsync(RunOutcome outcome, string reason, Failure? failure = null) =>
        RecordRunsAsync(ScheduleDecisions.Conclude(Book, outcome, reason, failure, TimeZones.Find, clock.Now()));

    /// <summary>Records runs that ended, then counts them from the record.</summary>
    private async Task RecordRunsAsync(ScheduleBook next)
    {
        var before = Book;
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
        foreach (var schedule in Book.Schedules)
        {
            if (schedule.Spec.Enabled && TimeZones.Find(schedule.Spec.TimeZone) is null)
            {
                LogUnknownZone(Instance, schedule.Id, schedule.Spec.TimeZone);
            }
        }
    }

    private static string Word(InstanceState state) => state.ToString().ToLowerInvariant();

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

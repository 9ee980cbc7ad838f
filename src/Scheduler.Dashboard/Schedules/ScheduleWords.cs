using System.Diagnostics;
using Scheduler.Domain.Schedules;

namespace Scheduler.Dashboard.Schedules;

internal static class ScheduleWords
{
    public static string Word(this ScheduleAction action) =>
        action switch
        {
            ScheduleAction.Start => "start",
            ScheduleAction.Stop => "stop",
            _ => throw new UnreachableException(),
        };

    public static string Word(this RunOutcome outcome) =>
        outcome switch
        {
            RunOutcome.Done => "done",
            RunOutcome.AlreadySo => "no change needed",
            RunOutcome.Skipped => "skipped",
            RunOutcome.Refused => "refused",
            RunOutcome.Superseded => "superseded",
            _ => throw new UnreachableException(),
        };
}

using Microsoft.Extensions.DependencyInjection;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Schedules;
using Scheduler.Domain.Storage;
using Scheduler.Grains;
using Scheduler.Grains.Schedules;
using Scheduler.TestKit;

namespace Scheduler.ClusterTests.Schedules;

internal static class ScheduleDriving
{
    public static ScheduleSpec Spec(ScheduleAction action, string cron) =>
        new()
        {
            Action = action,
            Cron = cron,
            TimeZone = "UTC",
        };

    public static async Task ScheduleAsync(
        this TestScheduler scheduler,
        InstanceId id,
        string schedule,
        ScheduleAction action,
        string cron
    ) =>
        TestScheduler.Good(
            await scheduler.Grains.Schedules(id).CreateAsync(schedule, Spec(action, cron), scheduler.As(null))
        );

    public static async Task<ScheduleView> ScheduleOfAsync(
        this TestScheduler scheduler,
        InstanceId id,
        string schedule
    ) => TestScheduler.Good(await scheduler.Grains.Schedules(id).GetAsync(schedule, null));

    public static async Task<Schedule> UntilRanAsync(
        this TestScheduler scheduler,
        InstanceId id,
        string schedule,
        TimeSpan? step = null
    )
    {
        var view = await Eventually.UntilAsync(
            () => scheduler.ScheduleOfAsync(id, schedule),
            seen => seen.Schedule.LastRun is not null,
            $"schedule {schedule} of {id} has run",
            step is null ? null : scheduler.Clock,
            step ?? default
        );
        return view.Schedule;
    }

    /// <summary>The verbs of a schedule's timeline, oldest first.</summary>
    public static async Task<string[]> ScheduleTimelineAsync(
        this TestScheduler scheduler,
        InstanceId id,
        string schedule
    )
    {
        var page = TestScheduler.Good(
            await scheduler.Grains.Fleet().ScheduleTimelineAsync(id, schedule, null, 0, 1000)
        );
        return [.. page.Events.Select(happened => happened.Trigger)];
    }

    /// <summary>All agenda items.</summary>
    public static Task<IReadOnlyList<AgendaItem>> AgendaAsync(this IServiceProvider services) =>
        services
            .GetRequiredService<IAgenda>()
            .DueAsync(DateTimeOffset.MaxValue, AgendaShare.Whole, int.MaxValue, CancellationToken.None);
}

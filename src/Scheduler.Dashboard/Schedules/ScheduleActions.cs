using System.Globalization;
using Microsoft.AspNetCore.Routing;
using Scheduler.Dashboard.Shell;
using Scheduler.Grains;
using Scheduler.Grains.Schedules;

namespace Scheduler.Dashboard.Schedules;

internal static class ScheduleActions
{
    public static void MapScheduleActions(this IEndpointRouteBuilder pages)
    {
        pages.MapAction("/instances/{instance}/schedules/{schedule}/enable", action => SetAsync(action, true));
        pages.MapAction("/instances/{instance}/schedules/{schedule}/disable", action => SetAsync(action, false));
    }

    private static async Task<Done> SetAsync(PageAction action, bool isEnabled)
    {
        var instance = Addressed.Instance(action.Route("instance"));
        var id = Addressed.Schedule(action.Route("schedule"));
        var command = action.Command(Addressed.Account(action.Text("account")), id);
        long? generation = long.TryParse(
            action.Text("generation"),
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var shown
        )
            ? shown
            : null;
        var view = await action.DoAsync(
            action
                .Grains.Schedules(instance)
                .UpdateAsync(id, new UpdateSchedule(null, null, null, isEnabled, null, generation), command),
            id
        );
        var zone = view.Schedule.Spec.TimeZone;
        return new Done(
            isEnabled
                ? $"{id} is enabled: {view.Schedule.Spec.Action.Word()} at {view.Schedule.Spec.Cron}, {zone}."
                : $"{id} is disabled."
        );
    }
}

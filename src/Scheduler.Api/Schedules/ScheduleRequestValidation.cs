using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Schedules;
using Scheduler.Edge;
using Scheduler.Grains.Schedules;

namespace Scheduler.Api.Schedules;

/// <summary>Validation of schedule requests.</summary>
internal static class ScheduleRequestValidation
{
    private static readonly string[] Changeable = ["action", "cron", "time_zone", "enabled", "description"];

    public static IEnumerable<RequestValidator> All { get; } =
    [
        RequestValidator.For<CreateScheduleRequest>(r => r.Parent, Check),
        RequestValidator.For<GetScheduleRequest>(r => r.Name, (r, f) => f.CheckSchedule("name", r.Name)),
        RequestValidator.For<ListSchedulesRequest>(r => r.Parent, Check),
        RequestValidator.For<UpdateScheduleRequest>(r => r.Name, Check),
        RequestValidator.For<DeleteScheduleRequest>(r => r.Name, (r, f) => f.CheckSchedule("name", r.Name)),
        RequestValidator.For<ListScheduleEventsRequest>(r => r.Parent, Check),
    ];

    public static string Query(string parent) => $"schedules|{parent}";

    public static string EventsQuery(string parent) => $"schedule-events|{parent}";

    /// <summary>
    /// Whether an update changes a field: the mask contains it, or there is no mask and the field is present.
    /// </summary>
    public static bool Takes(this UpdateScheduleRequest request, string field, bool isPresent) =>
        request.UpdateMask is { Paths.Count: > 0 } mask ? mask.Paths.Contains(field) : isPresent;

    private static void Check(CreateScheduleRequest request, Faults faults)
    {
        faults.CheckInstance("parent", request.Parent);
        if (!Grammar.IsScheduleId(request.ScheduleId))
        {
            faults.Add("schedule_id", $"Must be {Grammar.ScheduleId}.");
        }

        foreach (var (field, description) in ScheduleValidation.FaultsOf(request.ToDomain(), TimeZones.Find))
        {
            faults.Add(field, description);
        }
    }

    private static void Check(ListSchedulesRequest request, Faults faults)
    {
        faults.CheckInstance("parent", request.Parent);
        faults.CheckPage(request.PageSize, request.PageToken, Query(request.Parent), Grammar.IsScheduleId);
    }

    private static void Check(UpdateScheduleRequest request, Faults faults)
    {
        faults.CheckSchedule("name", request.Name);
        if (request.HasIfGeneration)
        {
            faults.Range("if_generation", request.IfGeneration, 1, long.MaxValue);
        }

        foreach (var path in request.UpdateMask?.Paths.Where(path => !Changeable.Contains(path)) ?? [])
        {
            faults.Add(
                "update_mask",
                $"Unknown path {StrictRequest.Shown(path)}; accepted are {string.Join(", ", Changeable)}."
            );
        }

        var command = request.ToDomain();
        if (command is { Action: null, Cron: null, TimeZone: null, Enabled: null, Description: null })
        {
            faults.Add("update_mask", $"Nothing to change: give one or more of {string.Join(", ", Changeable)}.");
        }

        // Fields that do not change must not add errors: the changes apply to a valid spec.
        foreach (var (field, description) in ScheduleValidation.FaultsOf(command.Apply(Faultless), TimeZones.Find))
        {
            faults.Add(field, description);
        }
    }

    private static void Check(ListScheduleEventsRequest request, Faults faults)
    {
        faults.CheckSchedule("parent", request.Parent);
        faults.CheckPage(request.PageSize, request.PageToken, EventsQuery(request.Parent), Paging.IsNumber);
    }

    private static ScheduleSpec Faultless { get; } =
        new()
        {
            Action = Domain.Schedules.ScheduleAction.Start,
            Cron = "* * * * *",
            TimeZone = "UTC",
        };
}

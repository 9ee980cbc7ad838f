using Grpc.Core;
using Scheduler.Api.Pipeline;
using Scheduler.Api.Requests;
using Scheduler.Api.V1;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Schedules;

namespace Scheduler.Api.Schedules;

internal sealed class SchedulesService(IGrainFactory grains) : V1.Schedules.SchedulesBase
{
    public override async Task<Schedule> CreateSchedule(CreateScheduleRequest request, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(request.Parent);
        var view = await GrainOf(request.Parent)
            .CreateAsync(request.ScheduleId, request.ToDomain(), context.Command(account))
            .OrThrow(request.Parent, context.CancellationToken);
        return view.ToProto();
    }

    public override async Task<Schedule> GetSchedule(GetScheduleRequest request, ServerCallContext context)
    {
        var view = await GrainOf(request.Name)
            .GetAsync(IdOf(request.Name), ResourceName.ParseAccount(request.Name))
            .OrThrow(request.Name, context.CancellationToken);
        return view.ToProto();
    }

    public override async Task<ListSchedulesResponse> ListSchedules(
        ListSchedulesRequest request,
        ServerCallContext context
    )
    {
        var all = await GrainOf(request.Parent)
            .ListAsync(ResourceName.ParseAccount(request.Parent))
            .OrThrow(request.Parent, context.CancellationToken);
        var query = ScheduleRequestValidation.Query(request.Parent);
        var after = Paging.CursorOf(request.PageToken, query);
        var rest = all.Schedules.Where(view => string.CompareOrdinal(view.Schedule.Id, after) > 0).ToList();
        var size = Paging.SizeOf(request.PageSize);
        var response = new ListSchedulesResponse
        {
            NextPageToken = rest.Count > size ? Paging.Next(query, rest[size - 1].Schedule.Id) : "",
        };
        response.Schedules.AddRange(rest.Take(size).Select(view => view.ToProto()));
        return response;
    }

    public override async Task<Schedule> UpdateSchedule(UpdateScheduleRequest request, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(request.Name);
        var view = await GrainOf(request.Name)
            .UpdateAsync(IdOf(request.Name), request.ToDomain(), context.Command(account))
            .OrThrow(request.Name, context.CancellationToken);
        return view.ToProto();
    }

    public override async Task<Schedule> DeleteSchedule(DeleteScheduleRequest request, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(request.Name);
        var view = await GrainOf(request.Name)
            .DeleteAsync(IdOf(request.Name), context.Command(account))
            .OrThrow(request.Name, context.CancellationToken);
        return view.ToProto();
    }

    public override async Task<ListScheduleEventsResponse> ListScheduleEvents(
        ListScheduleEventsRequest request,
        ServerCallContext context
    )
    {
        var query = ScheduleRequestValidation.EventsQuery(request.Parent);
        var size = Paging.SizeOf(request.PageSize);
        var page = await grains
            .Fleet()
            .ScheduleTimelineAsync(
                ResourceName.ParseInstanceAbove(request.Parent),
                IdOf(request.Parent),
                ResourceName.ParseAccount(request.Parent),
                Paging.NumberOf(request.PageToken, query, 0),
                size
            )
            .OrThrow(request.Parent, context.CancellationToken);
        var response = new ListScheduleEventsResponse
        {
            NextPageToken = page.Events.Length < size ? "" : Paging.Next(query, page.Events[^1].Sequence),
        };
        response.Events.AddRange(page.Events.Select(e => e.ToProto(request.Parent)));
        return response;
    }

    private IScheduleGrain GrainOf(string name) => grains.Schedules(ResourceName.ParseInstanceAbove(name));

    private static string IdOf(string name) => ResourceName.LastOf(name, "schedules");
}

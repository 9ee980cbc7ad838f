using System.Collections.Immutable;
using Google.Protobuf.Collections;
using Grpc.Core;
using Scheduler.Api.Pipeline;
using Scheduler.Api.Requests;
using Scheduler.Api.V1;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Services;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Queries;
using Scheduler.Grains.Services;

namespace Scheduler.Api.Services;

internal sealed class ServicesService(IGrainFactory grains, RecordWatch watch, TimeProvider clock)
    : V1.Services.ServicesBase
{
    public override async Task<Service> CreateService(CreateServiceRequest request, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(request.Parent);
        var id = NewId.Make(NameHolder.ServicePrefix, 20, "service", account.Value, request.RequestId);
        var record = await grains
            .Service(new ServiceId(id))
            .CreateAsync(
                new CreateService(account, request.ServingName, request.Spec.ToDomain(), Labels(request.Labels)),
                context.Command(account, request.RequestId)
            )
            .OrThrow(request.Parent, context.CancellationToken);
        return ToProto(record, context);
    }

    public override async Task<Service> GetService(GetServiceRequest request, ServerCallContext context)
    {
        var detail = await GrainOf(request.Name)
            .DetailAsync(ResourceName.ParseAccount(request.Name))
            .OrThrow(request.Name, context.CancellationToken);
        return detail.ToProto(context.Caller(), clock.GetUtcNow());
    }

    public override async Task<ListServicesResponse> ListServices(
        ListServicesRequest request,
        ServerCallContext context
    )
    {
        var account = ResourceName.ParseAccount(request.Parent);
        var isAny = account.Value is ResourceName.AnyAccount;
        if (!isAny)
        {
            await grains.Account(account).GetAsync(account).OrThrow(request.Parent, context.CancellationToken);
        }

        var token = ServiceRequestValidation.Query(request);
        var size = Paging.SizeOf(request.PageSize);
        var query = new ServiceQuery(
            isAny ? null : account,
            request.ServingName.Length > 0 ? request.ServingName : null,
            request.Model.Length > 0 ? request.Model : null,
            request.Condition == V1.ServiceConditionType.Unspecified
                ? null
                : (Domain.Services.ServiceConditionType)request.Condition,
            Paging.CursorOf(request.PageToken, token),
            size
        );
        var page = await grains.Fleet().ListServicesAsync(query).WaitAsync(context.CancellationToken);
        var response = new ListServicesResponse
        {
            NextPageToken = page.Length < size ? "" : Paging.Next(token, page[^1].Id.Value),
        };
        var now = clock.GetUtcNow();
        response.Services.AddRange(page.Select(record => record.ToMaskedProto(now)));
        return response;
    }

    public override Task<Service> UpdateService(UpdateServiceRequest request, ServerCallContext context)
    {
        var update = new UpdateService(
            request.Spec?.ToDomain(),
            request.Labels.Count > 0 ? Labels(request.Labels) : null,
            request.HasIfGeneration ? request.IfGeneration : null
        );
        return CommandAsync(request.Name, context, (grain, command) => grain.UpdateAsync(update, command));
    }

    public override Task<Service> DeleteService(DeleteServiceRequest request, ServerCallContext context) =>
        CommandAsync(request.Name, context, (grain, command) => grain.DeleteAsync(command));

    public override Task<Service> PauseService(PauseServiceRequest request, ServerCallContext context) =>
        CommandAsync(request.Name, context, (grain, command) => grain.PauseAsync(true, command));

    public override Task<Service> ResumeService(ResumeServiceRequest request, ServerCallContext context) =>
        CommandAsync(request.Name, context, (grain, command) => grain.PauseAsync(false, command));

    public override Task<Service> RollbackService(RollbackServiceRequest request, ServerCallContext context) =>
        CommandAsync(
            request.Name,
            context,
            (grain, command) => grain.RollbackAsync(request.HasRevision ? request.Revision : null, command)
        );

    public override async Task<V1.ServiceExplanation> ExplainService(
        ExplainServiceRequest request,
        ServerCallContext context
    )
    {
        var explanation = await GrainOf(request.Name)
            .ExplainAsync(ResourceName.ParseAccount(request.Name))
            .OrThrow(request.Name, context.CancellationToken);
        return explanation.ToProto(context.Caller(), clock.GetUtcNow());
    }

    public override Task WatchService(
        WatchServiceRequest request,
        IServerStreamWriter<Service> responseStream,
        ServerCallContext context
    )
    {
        var grain = GrainOf(request.Name);
        var account = ResourceName.ParseAccount(request.Name);
        return watch.RunAsync(
            context,
            stop => grain.GetAsync(account).OrThrow(request.Name, stop),
            (sent, stop) => grain.WaitForChangeAsync(account, sent, stop).OrThrow(request.Name, stop),
            record => record.Version,
            record => !record.IsLive,
            request.AfterVersion,
            (record, stop) => responseStream.WriteAsync(ToProto(record, context), stop)
        );
    }

    public override async Task<ListServiceEventsResponse> ListServiceEvents(
        ListServiceEventsRequest request,
        ServerCallContext context
    )
    {
        var query = ServiceRequestValidation.EventsQuery(request.Parent);
        var size = Paging.SizeOf(request.PageSize);
        var page = await GrainOf(request.Parent)
            .TimelineAsync(
                ResourceName.ParseAccount(request.Parent),
                Paging.NumberOf(request.PageToken, query, 0),
                size
            )
            .OrThrow(request.Parent, context.CancellationToken);
        var response = new ListServiceEventsResponse
        {
            NextPageToken = page.Events.Length < size ? "" : Paging.Next(query, page.Events[^1].Sequence),
        };
        response.Events.AddRange(page.Events.Select(e => e.ToProto(request.Parent)));
        return response;
    }

    private async Task<Service> CommandAsync(
        string name,
        ServerCallContext context,
        Func<IServiceGrain, CommandContext, Task<Answer<ServiceRecord>>> command
    )
    {
        var record = await command(GrainOf(name), context.Command(ResourceName.ParseAccount(name)))
            .OrThrow(name, context.CancellationToken);
        return ToProto(record, context);
    }

    private Service ToProto(ServiceRecord record, ServerCallContext context) =>
        record.ToProto(context.Caller(), clock.GetUtcNow());

    private static ImmutableSortedDictionary<string, string> Labels(MapField<string, string> labels) =>
        labels.ToImmutableSortedDictionary(StringComparer.Ordinal);

    private IServiceGrain GrainOf(string name) => grains.Service(ResourceName.ParseService(name));
}

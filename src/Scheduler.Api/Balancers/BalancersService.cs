using Grpc.Core;
using Scheduler.Api.Pipeline;
using Scheduler.Api.Requests;
using Scheduler.Api.V1;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Balancers;

namespace Scheduler.Api.Balancers;

internal sealed class BalancersService(IGrainFactory grains) : V1.Balancers.BalancersBase
{
    public override async Task<Balancer> CreateBalancer(CreateBalancerRequest request, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(request.Parent);
        var id = NewId.Make(NameHolder.BalancerPrefix, 20, "balancer", account.Value, request.RequestId);
        var record = await grains
            .Balancer(new BalancerId(id))
            .CreateAsync(
                new CreateBalancer(account, request.ServingName, request.Spec.ToDomain()),
                context.Command(account, request.RequestId)
            )
            .OrThrow(request.Parent, context.CancellationToken);
        return record.ToProto();
    }

    public override async Task<Balancer> GetBalancer(GetBalancerRequest request, ServerCallContext context)
    {
        var detail = await GrainOf(request.Name)
            .DetailAsync(ResourceName.ParseAccount(request.Name))
            .OrThrow(request.Name, context.CancellationToken);
        return detail.ToProto();
    }

    public override async Task<ListBalancersResponse> ListBalancers(
        ListBalancersRequest request,
        ServerCallContext context
    )
    {
        var account = ResourceName.ParseAccount(request.Parent);
        var isAny = account.Value is ResourceName.AnyAccount;
        if (!isAny)
        {
            await grains.Account(account).GetAsync(account).OrThrow(request.Parent, context.CancellationToken);
        }

        var query = BalancerRequestValidation.Query(request.Parent);
        var size = Paging.SizeOf(request.PageSize);
        var page = await grains
            .Fleet()
            .ListBalancersAsync(isAny ? null : account, Paging.CursorOf(request.PageToken, query), size)
            .WaitAsync(context.CancellationToken);
        var response = new ListBalancersResponse
        {
            NextPageToken = page.Length < size ? "" : Paging.Next(query, page[^1].Id.Value),
        };
        response.Balancers.AddRange(page.Select(record => record.ToProto()));
        return response;
    }

    public override async Task<Balancer> UpdateBalancer(UpdateBalancerRequest request, ServerCallContext context)
    {
        var update = new UpdateBalancer(request.Spec.ToDomain(), request.HasIfGeneration ? request.IfGeneration : null);
        var record = await GrainOf(request.Name)
            .UpdateAsync(update, context.Command(ResourceName.ParseAccount(request.Name)))
            .OrThrow(request.Name, context.CancellationToken);
        return record.ToProto();
    }

    public override async Task<Balancer> DeleteBalancer(DeleteBalancerRequest request, ServerCallContext context)
    {
        var record = await GrainOf(request.Name)
            .DeleteAsync(context.Command(ResourceName.ParseAccount(request.Name)))
            .OrThrow(request.Name, context.CancellationToken);
        return record.ToProto();
    }

    public override async Task<ListBalancerEventsResponse> ListBalancerEvents(
        ListBalancerEventsRequest request,
        ServerCallContext context
    )
    {
        var query = BalancerRequestValidation.EventsQuery(request.Parent);
        var size = Paging.SizeOf(request.PageSize);
        var page = await GrainOf(request.Parent)
            .TimelineAsync(
                ResourceName.ParseAccount(request.Parent),
                Paging.NumberOf(request.PageToken, query, 0),
                size
            )
            .OrThrow(request.Parent, context.CancellationToken);
        var response = new ListBalancerEventsResponse
        {
            NextPageToken = page.Events.Length < size ? "" : Paging.Next(query, page.Events[^1].Sequence),
        };
        response.Events.AddRange(page.Events.Select(e => e.ToProto(request.Parent)));
        return response;
    }

    private IBalancerGrain GrainOf(string name) => grains.Balancer(ResourceName.ParseBalancer(name));
}

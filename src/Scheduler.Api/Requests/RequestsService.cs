using Grpc.Core;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Grains;

namespace Scheduler.Api.Requests;

/// <summary>Lists the events of a request id that the caller has access to.</summary>
internal sealed class RequestsService(IGrainFactory grains) : V1.Requests.RequestsBase
{
    private const int MostEvents = 1000;

    public override async Task<V1.Request> GetRequest(GetRequestRequest request, ServerCallContext context)
    {
        var id = new RequestId(ResourceName.LastOf(request.Name, "requests"));
        var events = await grains
            .Fleet()
            .RequestAsync(id, context.Caller().Account, MostEvents)
            .WaitAsync(context.CancellationToken);
        if (events.IsEmpty)
        {
            throw new ApiException(ApiError.NotFound(request.Name));
        }

        var response = new V1.Request { Name = request.Name };
        response.Events.AddRange(events.Select(e => e.Event.ToProto(e.Subject.ToResourceName())));
        return response;
    }
}

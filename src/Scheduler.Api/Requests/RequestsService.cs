using Grpc.Core;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Edge.Requests;
using Scheduler.Grains;

namespace Scheduler.Api.Requests;

/// <summary>Lists the answers and events of a request id that the caller has access to.</summary>
internal sealed class RequestsService(IGrainFactory grains, RequestLog log) : V1.Requests.RequestsBase
{
    private const int MostEvents = 1000;

    public override async Task<V1.Request> GetRequest(GetRequestRequest request, ServerCallContext context)
    {
        var id = ResourceName.LastOf(request.Name, "requests");
        var account = context.Caller().Account;
        var answers = await log.FindAsync(id, account, RequestLog.MostWithOneId, context.CancellationToken);
        var events = await Task.WhenAll(
                answers
                    .Select(answer => answer.Id)
                    .Append(new RequestId(id))
                    .Distinct()
                    .Select(one => grains.Fleet().RequestAsync(one, account, MostEvents))
            )
            .WaitAsync(context.CancellationToken);
        var response = new V1.Request { Name = request.Name };
        response.Answers.AddRange(answers.Select(answer => answer.ToProto()));
        response.Events.AddRange(
            events
                .SelectMany(found => found)
                .OrderBy(found => found.Event.At)
                .Take(MostEvents)
                .Select(e => e.Event.ToProto(e.Subject.ToResourceName()))
        );
        return response is { Answers.Count: 0, Events.Count: 0 }
            ? throw new ApiException(ApiError.NotFound(request.Name))
            : response;
    }
}

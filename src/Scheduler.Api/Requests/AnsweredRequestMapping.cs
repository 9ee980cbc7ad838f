using Google.Protobuf.WellKnownTypes;
using Scheduler.Api.Pipeline;
using Scheduler.Domain.Requests;

namespace Scheduler.Api.Requests;

internal static class AnsweredRequestMapping
{
    public static V1.AnsweredRequest ToProto(this AnsweredRequest request)
    {
        var proto = new V1.AnsweredRequest
        {
            RequestId = request.Id.Value,
            CorrelationId = request.CorrelationId ?? "",
            Account = request.Account is { } account ? ResourceName.Account(account) : "",
            KeyId = request.KeyId ?? "",
            Time = request.At.ToProtoTime(),
            Plane = request.Plane,
            What = request.What,
            Status = request.Status,
            Code = request.Code,
            ServingName = request.ServingName ?? "",
            Resource = request.Resource ?? "",
            Queued = request.Queued?.ToDuration(),
            Judged = request.Judged?.ToDuration(),
            FirstByte = request.FirstByte?.ToDuration(),
            LastByte = request.LastByte?.ToDuration(),
            Took = request.Took.ToDuration(),
        };
        if (request.PromptTokens is { } prompt)
        {
            proto.PromptTokens = prompt;
        }

        if (request.CompletionTokens is { } completion)
        {
            proto.CompletionTokens = completion;
        }

        proto.Attempts.AddRange(request.Attempts.Select(ToProto));
        return proto;
    }

    private static V1.RequestAttempt ToProto(RequestAttempt attempt) =>
        new()
        {
            InstanceId = attempt.Instance.Value,
            ServingName = attempt.ServingName,
            Code = attempt.Code,
            Status = attempt.Status ?? 0,
            Took = attempt.Took.ToDuration(),
        };
}

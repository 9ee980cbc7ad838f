using System.Diagnostics;
using Scheduler.Api.Pipeline;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;

namespace Scheduler.Api.Failures;

internal static class FailureMapping
{
    public static V1.FailureDefinition ToProto(this FailureDefinition definition) =>
        new()
        {
            Name = $"failures/{definition.Code.WireName()}",
            Code = definition.Code.WireName(),
            Number = (int)definition.Code,
            Category = definition.Category switch
            {
                FailureCategory.Auth => V1.FailureCategory.Auth,
                FailureCategory.Launch => V1.FailureCategory.Launch,
                FailureCategory.Runtime => V1.FailureCategory.Runtime,
                _ => throw new UnreachableException(),
            },
            HttpStatus = definition.HttpStatus,
            GrpcStatus = definition.GrpcStatus,
            Retry = definition.Retry switch
            {
                FailureRetry.No => V1.FailureRetry.No,
                FailureRetry.Yes => V1.FailureRetry.Yes,
                FailureRetry.AfterTopUp => V1.FailureRetry.AfterTopUp,
                FailureRetry.AfterChange => V1.FailureRetry.AfterChange,
                FailureRetry.LaterOrAfterChange => V1.FailureRetry.LaterOrAfterChange,
                _ => throw new UnreachableException(),
            },
            Cause = definition.Cause,
            Remedy = definition.Remedy,
        };

    public static V1.Failure ToProto(this Failure failure)
    {
        var code = failure.Code.WireName();
        var proto = new V1.Failure
        {
            Code = code,
            Message = failure.Message,
            Hint = failure.Hint,
            HelpUri = ErrorStatus.HelpUri(code),
        };
        proto.Details.Add(failure.Details);
        return proto;
    }

    public static V1.Failure ToProto(this FailureRecord record)
    {
        var proto = record.Failure.ToProto();
        proto.RequestId = record.RequestId.Text();
        proto.FailedAt = record.FailedAt.ToProtoTime();
        proto.Run = record.Run;
        proto.Attempt = record.Attempt;
        return proto;
    }
}

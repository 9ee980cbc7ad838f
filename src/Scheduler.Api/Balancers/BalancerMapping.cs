using System.Diagnostics;
using Scheduler.Api.Instances;
using Scheduler.Api.Pipeline;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains.Balancers;

namespace Scheduler.Api.Balancers;

internal static class BalancerMapping
{
    public static V1.Balancer ToProto(this BalancerRecord record) =>
        new()
        {
            Name = ResourceName.Balancer(record.Account, record.Id),
            ServingName = record.ServingName,
            Spec = record.Spec.ToProto(),
            Generation = record.Generation,
            CreateTime = record.CreatedAt.ToProtoTime(),
            UpdateTime = record.UpdatedAt.ToProtoTime(),
            DeleteTime = record.DeletedAt.ToProtoTime(),
        };

    public static V1.Balancer ToProto(this BalancerDetail detail)
    {
        var proto = detail.Record.ToProto();
        var account = detail.Record.Account;
        proto.Doors.AddRange(detail.Gateways.Select(gateway => ToProto(gateway, account)));
        proto.RecentFailures.AddRange(detail.Failures.Select(failure => ToProto(failure, account)));
        return proto;
    }

    private static V1.BalancerDoor ToProto(BalancerReport report, AccountId account)
    {
        var proto = new V1.BalancerDoor { Door = report.Gateway, Time = report.At.ToProtoTime() };
        proto.Destinations.AddRange(report.Destinations.Select(destination => ToProto(destination, account)));
        return proto;
    }

    private static V1.DestinationHealth ToProto(DestinationView view, AccountId account) =>
        new()
        {
            ServingName = view.ServingName,
            Instance = NameOf(account, view.Instance),
            State = view.State?.ToProto() ?? V1.InstanceState.Unspecified,
            Condition = ConditionOf(view),
            EjectedUntil = view.EjectedUntil.ToProtoTime(),
            Ejections = view.Ejections,
            SharePermille = ConditionOf(view) is V1.DestinationCondition.Healthy or V1.DestinationCondition.Returning
                ? view.Share
                : 0,
            Outstanding = view.Outstanding,
            FailuresInARow = view.FailuresInARow,
            ProbeError = view.ProbeError ?? "",
        };

    private static V1.DestinationCondition ConditionOf(DestinationView view) =>
        view.State != InstanceState.Running
            ? V1.DestinationCondition.NotRunning
            : view.Condition switch
            {
                DestinationCondition.Healthy => V1.DestinationCondition.Healthy,
                DestinationCondition.Returning => V1.DestinationCondition.Returning,
                DestinationCondition.Ejected => V1.DestinationCondition.Ejected,
                DestinationCondition.ProbeFailed => V1.DestinationCondition.ProbeFailed,
                _ => throw new UnreachableException(),
            };

    private static V1.DestinationFailure ToProto(DestinationFailure failure, AccountId account) =>
        new()
        {
            Time = failure.At.ToProtoTime(),
            ServingName = failure.ServingName,
            Instance = NameOf(account, failure.Instance),
            Code = failure.Code.WireName(),
            Hint = failure.Hint,
            RequestId = failure.RequestId.Text(),
        };

    private static string NameOf(AccountId account, InstanceId? instance) =>
        instance is { } id ? ResourceName.Instance(account, id) : "";
}

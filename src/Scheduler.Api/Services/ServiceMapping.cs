using System.Diagnostics;
using Scheduler.Api.Failures;
using Scheduler.Api.Instances;
using Scheduler.Api.Pipeline;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Services;
using Scheduler.Edge;
using Scheduler.Grains.Keys;
using Scheduler.Grains.Services;

namespace Scheduler.Api.Services;

internal static class ServiceMapping
{
    /// <summary>For a caller of the service's account or an operator; a viewer sees no secrets of the template.</summary>
    public static V1.Service ToProto(this ServiceRecord record, Caller reader, DateTimeOffset now) =>
        (reader.MayChange ? record : Masked(record)).ToProto(now);

    /// <summary>For lists, which show no secrets of templates to anybody.</summary>
    public static V1.Service ToMaskedProto(this ServiceRecord record, DateTimeOffset now) =>
        Masked(record).ToProto(now);

    public static V1.Service ToProto(this ServiceDetail detail, Caller reader, DateTimeOffset now)
    {
        var proto = detail.Record.ToProto(reader, now);
        proto.Status.Load = new V1.ServiceLoad
        {
            Outstanding = detail.Load.Outstanding,
            Held = detail.Load.Held,
            TokensPerSecond = detail.Load.TokensPerSecond,
            Gateways = detail.Gateways.Length,
        };
        return proto;
    }

    public static V1.ServiceExplanation ToProto(this ServiceExplanation explanation, Caller reader, DateTimeOffset now)
    {
        var account = explanation.Detail.Record.Account;
        var proto = new V1.ServiceExplanation
        {
            Service = explanation.Detail.ToProto(reader, now),
            Launch = explanation.Launch?.ToProto(),
        };
        proto.Scaling.AddRange(explanation.Scaling);
        proto.Missing.AddRange(
            explanation.Missing.Select(missing => new V1.MissingReplica
            {
                Replica = ToProto(missing.Replica, account),
                What = missing.What,
            })
        );
        return proto;
    }

    private static ServiceRecord Masked(ServiceRecord record) =>
        record with
        {
            Spec = record.Spec with { Template = record.Spec.Template.Masked() },
        };

    private static V1.Service ToProto(this ServiceRecord record, DateTimeOffset now)
    {
        var proto = new V1.Service
        {
            Name = ResourceName.Service(record.Account, record.Id),
            ServingName = record.ServingName,
            Spec = record.Spec.ToProto(),
            Generation = record.Generation,
            CreateTime = record.CreatedAt.ToProtoTime(),
            UpdateTime = record.UpdatedAt.ToProtoTime(),
            DeleteTime = record.DeletedAt.ToProtoTime(),
            Status = StatusOf(record, now),
        };
        proto.Labels.Add(record.Labels);
        return proto;
    }

    private static V1.ServiceStatus StatusOf(ServiceRecord record, DateTimeOffset now)
    {
        var status = new V1.ServiceStatus
        {
            WantedReplicas = record.Scaling.Wanted,
            ReadyReplicas = record.Ready,
            WantedReason = record.Scaling.Why,
            Revision = record.Revision,
            BurnMicroEurPerHour = ServiceSpending.BurnPerHour(record).Value,
            SpentTodayMicroEur = ServiceSpending.Today(record, now).Value,
            Failure = record.Failure?.ToProto(),
            WaitsFor = record.IsLive ? ServiceWords.WaitsFor(record) : "",
            Version = record.Version,
        };
        status.Conditions.AddRange(record.Conditions.Select(ToProto));
        status.Revisions.AddRange(record.Revisions.Select(ToProto));
        status.Replicas.AddRange(record.Replicas.Select(replica => ToProto(replica, record.Account)));
        return status;
    }

    private static V1.ServiceCondition ToProto(ServiceCondition condition) =>
        new()
        {
            Type = condition.Type switch
            {
                ServiceConditionType.Ready => V1.ServiceConditionType.Ready,
                ServiceConditionType.Progressing => V1.ServiceConditionType.Progressing,
                ServiceConditionType.ScalingLimited => V1.ServiceConditionType.ScalingLimited,
                ServiceConditionType.Degraded => V1.ServiceConditionType.Degraded,
                _ => throw new UnreachableException(),
            },
            Status = condition.Status,
            Reason = condition.Reason,
            Message = condition.Message,
            Since = condition.Since.ToProtoTime(),
            RequestId = condition.RequestId.Text(),
        };

    private static V1.ServiceRevision ToProto(ServiceRevision revision) =>
        new()
        {
            Number = revision.Number,
            CreateTime = revision.CreatedAt.ToProtoTime(),
            Worked = revision.Worked,
            Failure = revision.Failure?.ToProto(),
        };

    private static V1.ServiceReplica ToProto(Replica replica, AccountId account) =>
        new()
        {
            Number = replica.Number,
            Revision = replica.Revision,
            Instance = ResourceName.Instance(account, replica.Instance),
            ServingName = replica.ServingName,
            Phase = replica.Phase switch
            {
                ReplicaPhase.Staying => V1.ReplicaPhase.Staying,
                ReplicaPhase.Draining => V1.ReplicaPhase.Draining,
                ReplicaPhase.Removing => V1.ReplicaPhase.Removing,
                _ => throw new UnreachableException(),
            },
            State = replica.Seen?.State.ToProto() ?? V1.InstanceState.Unspecified,
            Ready = replica.IsReady,
            Route = replica.Seen?.Route ?? "",
            Spot = replica.Seen?.IsSpot == true,
            PriceMicroEurPerHour = replica.Seen?.Price?.Value ?? 0,
            Failure = replica.Seen?.Failure?.ToProto(),
            NextStartTime = replica.StartAt.ToProtoTime(),
            Reason = replica.Trouble.Length > 0 ? replica.Trouble : replica.Reason,
        };
}

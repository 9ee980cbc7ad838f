using System.Diagnostics;
using Google.Protobuf.WellKnownTypes;
using Scheduler.Api.Failures;
using Scheduler.Api.Pipeline;
using Scheduler.Api.Providers;
using Scheduler.Domain.Instances;
using Scheduler.Edge;
using Scheduler.Grains.Instances;
using Scheduler.Grains.Keys;

namespace Scheduler.Api.Instances;

internal static class InstanceMapping
{
    /// <param name="reader">Gets runtime arguments and variables as they are if it may change them, else with masked secrets.</param>
    /// <param name="place">Its place among the waiting instances; null if that was not read.</param>
    public static V1.Instance ToProto(this InstanceRecord record, Caller reader, WaitingPlace? place = null) =>
        (reader.MayChange ? record : Masked(record)).ToProto(place);

    /// <summary>For lists, which pass through more hands than one instance: secrets in runtime arguments and variables are masked.</summary>
    public static V1.Instance ToMaskedProto(this InstanceRecord record) => Masked(record).ToProto();

    private static InstanceRecord Masked(InstanceRecord record) => record with { Spec = record.Spec.Masked() };

    private static V1.Remedy ToProto(Remedy remedy)
    {
        var proto = new V1.Remedy
        {
            Id = remedy.Id,
            Title = remedy.Title,
            Spec = remedy.Spec?.ToProto(),
            TopUpMicroEur = remedy.TopUp?.Value ?? 0,
            LeastTopUpMicroEur = remedy.LeastTopUp?.Value ?? 0,
            PricePerHourMicroEur = remedy.Price?.Value ?? 0,
        };
        proto.Changes.AddRange(
            remedy.Changes.Select(change => new V1.RemedyChange
            {
                Path = $"spec.{change.Path}",
                From = change.From,
                To = change.To,
            })
        );
        if (!remedy.Changes.IsEmpty)
        {
            proto.UpdateMask = new FieldMask();
            proto.UpdateMask.Paths.AddRange(proto.Changes.Select(change => change.Path));
        }

        return proto;
    }

    public static V1.CapacityWait ToProto(this CapacityWait wait, WaitingPlace? place) =>
        new()
        {
            Since = wait.Since.ToProtoTime(),
            Until = wait.Until.ToProtoTime(),
            Place = place?.Place ?? 0,
            Of = place?.Of ?? 0,
        };

    private static V1.Instance ToProto(this InstanceRecord record, WaitingPlace? place = null)
    {
        var proto = new V1.Instance
        {
            Name = ResourceName.Instance(record.Account, record.Id),
            ServingName = record.ServingName,
            Spec = record.Spec.ToProto(),
            State = record.State.ToProto(),
            StateSince = record.StateSince.ToProtoTime(),
            Generation = record.Generation,
            Run = record.Run,
            Attempt = record.Attempt,
            Placement = record.Intent is { } intent ? ToProto(intent, record) : null,
            RunningSince = record.RunningSince.ToProtoTime(),
            RunningUntil = record.RunningUntil.ToProtoTime(),
            Failure = record.Failure?.ToProto(),
            ReleasePending = record.PendingCleanups.Any(cleanup => cleanup.Kind == CleanupKind.Release),
            RequestId = record.RequestId.Text(),
            CreateTime = record.CreatedAt.ToProtoTime(),
            UpdateTime = record.UpdatedAt.ToProtoTime(),
            Firewall = record.Firewall ?? "",
            Wait = record.State.IsLaunching() ? record.Wait?.ToProto(place) : null,
        };
        proto.Labels.Add(record.Labels);
        proto.Remedies.AddRange(Remedies.For(record).Select(ToProto));
        return proto;
    }

    public static V1.InstanceState ToProto(this InstanceState state) =>
        state switch
        {
            InstanceState.Stopped => V1.InstanceState.Stopped,
            InstanceState.Checking => V1.InstanceState.Checking,
            InstanceState.Provisioning => V1.InstanceState.Provisioning,
            InstanceState.Starting => V1.InstanceState.Starting,
            InstanceState.Running => V1.InstanceState.Running,
            InstanceState.Stopping => V1.InstanceState.Stopping,
            InstanceState.Failed => V1.InstanceState.Failed,
            InstanceState.Deleted => V1.InstanceState.Deleted,
            InstanceState.Waiting => V1.InstanceState.Waiting,
            _ => throw new UnreachableException(),
        };

    private static V1.Placement ToProto(AllocationIntent intent, InstanceRecord record) =>
        new()
        {
            Offer = intent.Offer.ToProto(),
            PricePerHourMicroEur = intent.PriceSnapshot.Value,
            HoldMicroEur = intent.Hold.Value,
            Why = intent.Why,
            AllocationDeadline = intent.AllocationDeadline.ToProtoTime(),
            StartDeadline = intent.StartDeadline.ToProtoTime(),
            AllocationId = record.Allocation?.ProviderAllocationId ?? "",
        };
}

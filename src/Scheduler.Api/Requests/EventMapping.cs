using Scheduler.Api.Pipeline;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Grains;

namespace Scheduler.Api.Requests;

internal static class EventMapping
{
    public static V1.Event ToProto(this StoredEvent stored, string subject)
    {
        var proto = new V1.Event
        {
            Sequence = stored.Sequence,
            Time = stored.At.ToProtoTime(),
            Trigger = stored.Trigger,
            From = stored.From ?? "",
            To = stored.To ?? "",
            Reason = stored.Reason,
            RequestId = stored.RequestId.Text(),
            Actor = stored.Actor,
            FailureCode = stored.Code == FailureCode.None ? "" : stored.Code.WireName(),
            Subject = subject,
        };
        proto.Data.Add(stored.Data);
        return proto;
    }

    /// <summary>The resource name of a subject; a kind that this version does not know keeps its stored text.</summary>
    public static string ToResourceName(this EventSubject subject) =>
        subject.Kind switch
        {
            "instance" when subject.Account is { } account => ResourceName.Instance(
                account,
                new InstanceId(subject.Id)
            ),
            "balancer" when subject.Account is { } account => ResourceName.Balancer(
                account,
                new BalancerId(subject.Id)
            ),
            "service" when subject.Account is { } account => ResourceName.Service(account, new ServiceId(subject.Id)),
            "schedules" when subject.Account is { } account =>
                $"{ResourceName.Instance(account, GrainKeys.InstanceOfSchedules(subject.Id))}/schedules",
            "account" => ResourceName.Account(new AccountId(subject.Id)),
            "key" => ResourceName.Key(subject.Account, subject.Id),
            "model" => ResourceName.Model(subject.Account, AfterSlash(subject.Id)),
            "rule" when subject.Account is { } account => ResourceName.Rule(account, AfterSlash(subject.Id)),
            "firewall" when subject.Account is { } account => ResourceName.Firewall(account, AfterSlash(subject.Id)),
            "provider" => subject.Id.StartsWith("provider-", StringComparison.Ordinal)
                ? $"providers/{subject.Id["provider-".Length..]}"
                : $"providers/{subject.Id}",
            _ => $"{subject.Kind}/{subject.Id}",
        };

    private static string AfterSlash(string id) => id[(id.IndexOf('/', StringComparison.Ordinal) + 1)..];
}

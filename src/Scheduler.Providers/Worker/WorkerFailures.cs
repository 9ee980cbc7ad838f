using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Worker;

/// <summary>Rejections and exits that the adapter itself tells; those of runtimes come from the host.</summary>
internal static class WorkerFailures
{
    internal static AllocateOutcome UnknownOffer(string offerId) =>
        AllocateOutcome.Rejected(
            RejectionKind.OutOfStock,
            $"'{OutputLines.Clean(offerId)}' is no offer of a host that has joined"
        );

    internal static AllocateOutcome CalledOff(string key) =>
        AllocateOutcome.Rejected(
            RejectionKind.InvalidRequest,
            $"'{OutputLines.Clean(key)}' was released; a key is never served again after its release"
        );

    internal static AllocateOutcome OtherHost(string key, string host) =>
        AllocateOutcome.Rejected(
            RejectionKind.InvalidRequest,
            $"'{OutputLines.Clean(key)}' was asked for on host {host} before; a key never changes its host"
        );

    internal static AllocateOutcome Draining(string host) =>
        AllocateOutcome.Rejected(RejectionKind.OutOfStock, $"host {host} is drained: it gets no new launches");

    internal static AllocateOutcome NotReached(string words) =>
        AllocateOutcome.Rejected(RejectionKind.OutOfStock, OutputLines.Clean(words));

    internal static RuntimeExit Lost(string host, TimeSpan lostAfter) =>
        new() { ProviderReason = $"HostLost: host {host} has not answered for {lostAfter}" };
}

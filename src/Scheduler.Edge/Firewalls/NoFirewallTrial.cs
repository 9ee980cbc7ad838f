using Grpc.Core;
using Scheduler.Domain.Firewalls;

namespace Scheduler.Edge.Firewalls;

/// <summary>For a process without the gateway: it cannot call a judge.</summary>
internal sealed class NoFirewallTrial : IFirewallTrial
{
    public Task<FirewallTrialResult> TryAsync(
        FirewallRecord firewall,
        JudgeInput text,
        CancellationToken cancellationToken
    ) =>
        throw new ApiException(
            new ApiError(StatusCode.Unavailable, 503, ApiErrorCodes.Unavailable, "This process cannot call a judge.")
            {
                Hint = "Send the request to a process that serves /v1/chat/completions.",
            }
        );
}

using Scheduler.Inference.Firewalls;

namespace Scheduler.Inference;

internal sealed class InterimGate : IFirewallGate
{
    public ValueTask<GateVerdict> JudgeAsync(GateQuestion question, CancellationToken cancellationToken) =>
        throw new NotSupportedException("No firewalls yet.");
}

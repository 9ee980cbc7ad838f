using Scheduler.Domain.Firewalls;
using Scheduler.Edge.Firewalls;

namespace Scheduler.Inference.Firewalls;

/// <summary>Tries a firewall as requests are judged, without cache and without recording.</summary>
internal sealed class FirewallTrial(JudgeClient judge) : IFirewallTrial
{
    public async Task<FirewallTrialResult> TryAsync(
        FirewallRecord firewall,
        JudgeInput text,
        CancellationToken cancellationToken
    )
    {
        var verdict = await judge.AskAsync(firewall, text, cancellationToken);
        var (instance, state) = await judge.WhoJudgesAsync(firewall, cancellationToken);
        return new FirewallTrialResult
        {
            Decision = verdict.Decision,
            Answers = verdict.Answers,
            Refusal = firewall.Draft?.Mode == FirewallMode.Block ? verdict.RefusalBy(firewall) : null,
            Unjudged = verdict.UnjudgedBy(firewall),
            Judge = instance,
            JudgeState = state,
            Latency = verdict.Latency,
        };
    }
}

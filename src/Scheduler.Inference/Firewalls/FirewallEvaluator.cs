using Scheduler.Domain.Failures;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Firewalls;

/// <summary>Evaluates one text against one firewall, from the cache or by the judge.</summary>
internal sealed class FirewallEvaluator(
    JudgeClient judge,
    VerdictCache cache,
    IEvaluationSink sink,
    FirewallMetrics metrics,
    TimeProvider clock
)
{
    /// <summary>Evaluates the text. Throws only when cancelled, and then records nothing.</summary>
    public async Task<JudgeVerdict> EvaluateAsync(
        FirewallRecord firewall,
        JudgeInput text,
        RequestId requestId,
        CancellationToken cancellationToken
    )
    {
        var verdict = await RecallOrAskAsync(firewall, text, cancellationToken);
        if (!text.IsWhole && verdict.Decision == FirewallDecision.Pass)
        {
            // The judge saw only a part, and no match in it says nothing about the rest.
            verdict = JudgeVerdict.None(JudgeFault.NotText) with
            {
                Latency = verdict.Latency,
            };
        }

        Record(firewall, text, requestId, verdict);
        return verdict;
    }

    public JudgeVerdict RecordUnjudged(FirewallRecord firewall, JudgeInput text, RequestId requestId, JudgeFault why)
    {
        var verdict = JudgeVerdict.None(why);
        Record(firewall, text, requestId, verdict);
        return verdict;
    }

    private async Task<JudgeVerdict> RecallOrAskAsync(
        FirewallRecord firewall,
        JudgeInput text,
        CancellationToken cancellationToken
    )
    {
        var key = new VerdictKey(
            firewall.Account,
            firewall.Slug,
            firewall.Version,
            firewall.Draft?.Judge ?? "",
            text.Digest()
        );
        if (cache.TryGet(key, out var answers))
        {
            return JudgeVerdict.Of(answers) with { Remembered = true };
        }

        var verdict = await judge.AskAsync(firewall, text, cancellationToken);
        metrics.Judged(verdict.Latency, verdict.Decision);
        if (verdict.Fault is null)
        {
            cache.Put(key, verdict.Answers);
        }

        return verdict;
    }

    private void Record(FirewallRecord firewall, JudgeInput text, RequestId requestId, JudgeVerdict verdict)
    {
        var draft = firewall.Draft!;
        metrics.Decided(draft.Mode, verdict.Decision);
        sink.Record(
            firewall.Account,
            new FirewallEvaluation
            {
                At = clock.GetUtcNow(),
                RequestId = requestId,
                Firewall = firewall.Slug,
                Version = firewall.Version,
                Mode = draft.Mode,
                Decision = verdict.Decision,
                Matched = [.. verdict.MatchedOf(firewall).Select(rule => rule.Slug)],
                LatencyMs = (long)verdict.Latency.TotalMilliseconds,
                Judge = draft.Judge,
                Code = CodeOf(draft.Mode, verdict.Decision),
                Fault = verdict.Fault,
                Remembered = verdict.Remembered,
                Prompt = draft.KeepPrompt ? text.Beginning(FirewallEvaluation.LongestPrompt) : null,
            }
        );
    }

    private static FailureCode CodeOf(FirewallMode mode, FirewallDecision decision) =>
        (mode, decision) switch
        {
            (FirewallMode.Block, FirewallDecision.Match) => FailureCode.FirewallBlocked,
            (FirewallMode.Block, FirewallDecision.Unjudged) => FailureCode.JudgeUnreachable,
            _ => FailureCode.None,
        };
}

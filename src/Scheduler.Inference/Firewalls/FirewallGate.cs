using System.Collections.Immutable;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Firewalls;

namespace Scheduler.Inference.Firewalls;

/// <summary>
/// The firewall check before the models. Every case that could let a prompt pass by mistake is a refusal: a missing
/// firewall, a judge that is down, slow or returns nonsense, a store that does not answer.
/// </summary>
internal sealed class FirewallGate(IFirewallTable table, FirewallEvaluator evaluator, IFirewallAudits audits)
    : IFirewallGate
{
    /// <summary>
    /// <para>1. Find all firewalls; a missing one is a refusal.</para>
    /// <para>2. Queue the audits; they have no influence on the verdict.</para>
    /// <para>3. The others judge in parallel, each with its own judge and deadline.</para>
    /// <para>4. The first blocking firewall in request order refuses; a match ranks before a missing verdict.</para>
    /// </summary>
    public async ValueTask<GateVerdict> JudgeAsync(GateQuestion question, CancellationToken cancellationToken)
    {
        if (question.Firewalls.IsDefaultOrEmpty)
        {
            return GateVerdict.Pass;
        }

        // 1
        var firewalls = new List<(FirewallRecord Firewall, FirewallDraft Draft)>();
        foreach (var slug in question.Firewalls.Distinct(StringComparer.Ordinal))
        {
            var found = await table.FindAsync(question.Account, slug, cancellationToken);
            if (found?.Draft is not { } draft)
            {
                var missing = new FirewallRecord { Account = question.Account, Slug = slug };
                return new GateVerdict(JudgeVerdict.None(JudgeFault.NoFirewall).UnjudgedBy(missing), []);
            }

            firewalls.Add((found, draft));
        }

        // 2
        var prompt = question.Prompt();
        var isText = prompt.All(part => part.IsText);
        var text = new JudgeInput([.. prompt.Select(part => new JudgeInputPart(part.Role, part.Text))]);
        foreach (var (firewall, _) in firewalls.Where(one => one.Draft.Mode == FirewallMode.Audit))
        {
            audits.Post(firewall, text, question.RequestId);
        }

        // 3
        var waited = await Task.WhenAll(
            firewalls
                .Where(one => one.Draft.Mode != FirewallMode.Audit)
                .Select(async one =>
                    (
                        one.Firewall,
                        one.Draft,
                        Verdict: isText || one.Draft.Mode != FirewallMode.Block
                            ? await evaluator.EvaluateAsync(one.Firewall, text, question.RequestId, cancellationToken)
                            : evaluator.RecordUnjudged(one.Firewall, text, question.RequestId, JudgeFault.NotText)
                    )
                )
        );

        // 4
        return VerdictOf(waited);
    }

    private static GateVerdict VerdictOf((FirewallRecord Firewall, FirewallDraft Draft, JudgeVerdict Verdict)[] waited)
    {
        var refusals = waited
            .Where(one => one.Draft.Mode == FirewallMode.Block)
            .Select(one => one.Verdict.RefusalBy(one.Firewall))
            .OfType<Failure>()
            .ToList();
        var matched = waited
            .Where(one => one.Draft.Mode == FirewallMode.Allow)
            .SelectMany(one => one.Verdict.MatchedOf(one.Firewall))
            .Select(rule => rule.Slug)
            .Distinct(StringComparer.Ordinal)
            .ToImmutableArray();
        return new GateVerdict(
            refusals.Find(refusal => refusal.Code == FailureCode.FirewallBlocked) ?? refusals.FirstOrDefault(),
            matched
        );
    }
}

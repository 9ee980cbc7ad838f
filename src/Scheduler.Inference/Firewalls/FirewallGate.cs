using System.Collections.Immutable;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Grains;
using Scheduler.Inference.Guard;

namespace Scheduler.Inference.Firewalls;

/// <summary>
/// The firewall check before the models. Every case that could let a prompt pass by mistake is a refusal: a missing
/// firewall, a judge that is down, slow or returns nonsense, a store that does not answer.
/// </summary>
internal sealed class FirewallGate(
    IFirewallTable table,
    FirewallEvaluator evaluator,
    IFirewallAudits audits,
    IOptions<FirewallGateOptions> options
) : IFirewallGate
{
    /// <summary>
    /// <para>1. Find all firewalls; a missing one is a refusal.</para>
    /// <para>2. Read the request; in block mode refuse what cannot be judged.</para>
    /// <para>3. Queue the audits; they have no influence on the verdict.</para>
    /// <para>4. The others judge in parallel, each with its own judge and deadline.</para>
    /// <para>5. The first blocking firewall in request order refuses; a match ranks before a missing verdict.</para>
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
        var isGuarded = firewalls.Exists(one => one.Draft.Mode == FirewallMode.Block);
        if (isGuarded && FaultsOf(prompt) is { IsEmpty: false } faults)
        {
            return new GateVerdict(null, []) { Faults = faults };
        }

        // 3
        foreach (var (firewall, draft) in firewalls.Where(one => one.Draft.Mode == FirewallMode.Audit))
        {
            audits.Post(firewall, prompt.InputFor(null, draft.JudgeSeesImages, isGuarded), question.RequestId);
        }

        // 4
        var waiting = firewalls.FindAll(one => one.Draft.Mode != FirewallMode.Audit);
        var ids = waiting.Count > 0 ? await TextOfIdsAsync(question, prompt, cancellationToken) : null;
        var waited = await Task.WhenAll(
            waiting.Select(async one =>
            {
                var input = prompt.InputFor(ids, one.Draft.JudgeSeesImages, isGuarded);
                var verdict = await VerdictAsync(one.Firewall, input, question.RequestId, cancellationToken);
                return (one.Firewall, one.Draft, verdict);
            })
        );

        // 5
        return VerdictOf(waited) with
        {
            IsGuarded = isGuarded,
        };
    }

    private static async Task<string?> TextOfIdsAsync(
        GateQuestion question,
        PromptReading prompt,
        CancellationToken cancellationToken
    ) => !prompt.Ids.IsEmpty && question.Detokenize is { } detokenize ? await detokenize(cancellationToken) : null;

    private ImmutableArray<FieldFault> FaultsOf(PromptReading prompt) =>
        options.Value.UnknownMembers == UnknownMembers.Drop ? prompt.Faults : prompt.Faults.AddRange(prompt.Unknown);

    /// <summary>In block mode a judge is not asked about a part of a request: nothing would follow from a pass.</summary>
    private async Task<JudgeVerdict> VerdictAsync(
        FirewallRecord firewall,
        JudgeInput input,
        RequestId requestId,
        CancellationToken cancellationToken
    ) =>
        input.IsWhole || firewall.Draft!.Mode != FirewallMode.Block
            ? await evaluator.EvaluateAsync(firewall, input, requestId, cancellationToken)
            : evaluator.RecordUnjudged(firewall, input, requestId, JudgeFault.NotText);

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

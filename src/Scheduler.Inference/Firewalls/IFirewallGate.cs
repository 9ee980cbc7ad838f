using System.Collections.Immutable;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Firewalls;

/// <summary>
/// Says whether a prompt may go on to its model. Firewalls attached to account, balancer, instance and request apply together: one that
/// is named can add to the others and never weaken them.
/// </summary>
internal interface IFirewallGate
{
    /// <summary>Judges a prompt. In block mode nothing of it reaches a model before this has said yes (INV-10).</summary>
    ValueTask<GateVerdict> JudgeAsync(GateQuestion question, CancellationToken cancellationToken);
}

/// <summary>A prompt and what it must pass.</summary>
/// <param name="Account">Whose request.</param>
/// <param name="Firewalls">Slugs, each once.</param>
/// <param name="Prompt">What would go to the model; read once, when it is needed.</param>
/// <param name="RequestId">Under which it is recorded.</param>
internal sealed record GateQuestion(
    AccountId Account,
    ImmutableArray<string> Firewalls,
    Func<ImmutableArray<PromptPart>> Prompt,
    RequestId RequestId
);

/// <summary>One piece of a prompt.</summary>
/// <param name="Role">Whose words: <c>system</c>, <c>user</c>, <c>assistant</c>, <c>tool</c>; <c>user</c> where the request names none.</param>
/// <param name="Text">The words; for what is no text, its kind.</param>
/// <param name="IsText">Whether a judge of texts can read it. Images, sounds and token ids are none; in block mode they do not pass.</param>
internal readonly record struct PromptPart(string Role, string Text, bool IsText = true);

/// <summary>What the gate says.</summary>
/// <param name="Refusal">FIREWALL_BLOCKED or JUDGE_UNREACHABLE; null lets the prompt pass.</param>
/// <param name="Matched">Slugs of rules that firewalls in allow mode matched, for the answer's header.</param>
internal sealed record GateVerdict(Failure? Refusal, ImmutableArray<string> Matched)
{
    /// <summary>The prompt may pass, and nobody has anything to say of it.</summary>
    public static readonly GateVerdict Pass = new(null, []);
}

using System.Collections.Immutable;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Firewalls;

/// <summary>
/// Decides whether a prompt may reach its model. Firewalls attached to account, balancer, instance and request apply
/// together. A request can add a firewall but never weaken the others.
/// </summary>
internal interface IFirewallGate
{
    /// <summary>In block mode no part of a prompt reaches a model before this returns a pass (INV-10).</summary>
    ValueTask<GateVerdict> JudgeAsync(GateQuestion question, CancellationToken cancellationToken);
}

/// <param name="Firewalls">Slugs, each once.</param>
/// <param name="Prompt">The text for the model; read only when needed.</param>
internal sealed record GateQuestion(
    AccountId Account,
    ImmutableArray<string> Firewalls,
    Func<ImmutableArray<PromptPart>> Prompt,
    RequestId RequestId
);

/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>; default <c>user</c>.</param>
/// <param name="Text">The text; for media, its kind.</param>
/// <param name="IsText">False for media and token ids; in block mode they do not pass.</param>
internal readonly record struct PromptPart(string Role, string Text, bool IsText = true);

/// <param name="Refusal">FIREWALL_BLOCKED or JUDGE_UNREACHABLE; null lets the prompt pass.</param>
/// <param name="Matched">Slugs of the rules matched by firewalls in allow mode, for a response header.</param>
internal sealed record GateVerdict(Failure? Refusal, ImmutableArray<string> Matched)
{
    /// <summary>The prompt passes without any match.</summary>
    public static readonly GateVerdict Pass = new(null, []);
}

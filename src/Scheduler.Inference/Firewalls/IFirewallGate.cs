using System.Collections.Immutable;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Grains;
using Scheduler.Inference.Guard;

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
/// <param name="Prompt">What a model can read of the request; called only when needed.</param>
internal sealed record GateQuestion(
    AccountId Account,
    ImmutableArray<string> Firewalls,
    Func<PromptReading> Prompt,
    RequestId RequestId
)
{
    /// <summary>
    /// Tells the text of the request's token ids, as the model reads them; null when no runtime is known that could.
    /// Returns null when the runtime does not tell it.
    /// </summary>
    public Func<CancellationToken, Task<string?>>? Detokenize { get; init; }
}

/// <param name="Refusal">FIREWALL_BLOCKED or JUDGE_UNREACHABLE; null lets the prompt pass.</param>
/// <param name="Matched">Slugs of the rules matched by firewalls in allow mode, for a response header.</param>
internal sealed record GateVerdict(Failure? Refusal, ImmutableArray<string> Matched)
{
    /// <summary>The prompt passes without any match.</summary>
    public static readonly GateVerdict Pass = new(null, []);

    /// <summary>Members that a firewall in block mode refuses; the judge was not asked.</summary>
    public ImmutableArray<FieldFault> Faults { get; init; } = [];

    /// <summary>Whether the runtime must get <see cref="PromptReading.Body"/>, not the client's bytes.</summary>
    public bool IsGuarded { get; init; }

    public bool IsPass => Refusal is null && Faults.IsEmpty;
}

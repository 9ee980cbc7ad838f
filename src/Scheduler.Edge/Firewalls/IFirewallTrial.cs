using System.Collections.Immutable;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Edge.Firewalls;

/// <summary>
/// Tries a firewall on a text. The gateway implements it with the code of real requests; the API does not depend on the
/// gateway.
/// </summary>
internal interface IFirewallTrial
{
    /// <summary>
    /// Sends a text to the firewall's judge. Nothing is recorded, and the verdict cache is neither read nor written.
    /// </summary>
    Task<FirewallTrialResult> TryAsync(FirewallRecord firewall, JudgeInput text, CancellationToken cancellationToken);
}

internal sealed record FirewallTrialResult
{
    public required FirewallDecision Decision { get; init; }

    /// <summary>The judge's answers in the order of the rules; empty without a verdict.</summary>
    public ImmutableArray<bool> Answers { get; init; } = [];

    /// <summary>The failure that a request with this text would get; null if the request would continue.</summary>
    public Failure? Refusal { get; init; }

    /// <summary>Why there is no verdict, as a refusal would report it in any mode; null if there is one.</summary>
    public Failure? Unjudged { get; init; }

    /// <summary>Null if no instance has the serving name.</summary>
    public InstanceId? Judge { get; init; }

    /// <summary>State of the judge, as the API names it; null if no instance has the serving name.</summary>
    public string? JudgeState { get; init; }

    /// <summary>Time the judge took, or the time waited for it.</summary>
    public required TimeSpan Latency { get; init; }
}

using System.Collections.Immutable;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Edge.Firewalls;

/// <summary>
/// Tries a firewall on a text. The door that serves the models answers, by the same way that real requests take; the door that asks need
/// not know it.
/// </summary>
internal interface IFirewallTrial
{
    /// <summary>Asks the firewall's judge about a text. Nothing is recorded, and no answer is remembered or taken from memory.</summary>
    Task<FirewallTrialResult> TryAsync(FirewallRecord firewall, JudgedText text, CancellationToken cancellationToken);
}

/// <summary>What came of a trial.</summary>
internal sealed record FirewallTrialResult
{
    /// <summary>What was found.</summary>
    public required FirewallDecision Decision { get; init; }

    /// <summary>The judge's answers in the order of the rules; empty where there is no verdict.</summary>
    public ImmutableArray<bool> Answers { get; init; } = [];

    /// <summary>What a request with this text would be refused with; null where it would go on.</summary>
    public Failure? Refusal { get; init; }

    /// <summary>Why there is no verdict, in the words of a refusal, whatever the mode; null where there is one.</summary>
    public Failure? Unjudged { get; init; }

    /// <summary>The instance that judges; null where none has the name.</summary>
    public InstanceId? Judge { get; init; }

    /// <summary>Where it stands, as the API names it; null where none has the name.</summary>
    public string? JudgeState { get; init; }

    /// <summary>How long the judge took, or was waited for.</summary>
    public required TimeSpan Latency { get; init; }
}

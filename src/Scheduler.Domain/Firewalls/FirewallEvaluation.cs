using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Firewalls;

/// <summary>
/// The decision of one firewall about one request. It contains no part of the request, unless the firewall keeps
/// prompts.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.FirewallEvaluation")]
public sealed record FirewallEvaluation
{
    /// <summary>Most characters of a kept prompt.</summary>
    public const int LongestPrompt = 2000;

    /// <summary>Sequence number among the account's evaluations, from 1; 0 before it is recorded.</summary>
    [Id(0)]
    public long Sequence { get; init; }

    [Id(1)]
    public DateTimeOffset At { get; init; }

    [Id(2)]
    public RequestId RequestId { get; init; }

    /// <summary>The firewall's slug.</summary>
    [Id(3)]
    public string Firewall { get; init; } = "";

    [Id(4)]
    public long Version { get; init; }

    /// <summary>The firewall's mode at that time.</summary>
    [Id(5)]
    public FirewallMode Mode { get; init; }

    [Id(6)]
    public FirewallDecision Decision { get; init; }

    /// <summary>Slugs of the rules that matched, in the firewall's order.</summary>
    [Id(7)]
    public ImmutableArray<string> Matched { get; init; } = [];

    /// <summary>Time of the judge, milliseconds; 0 for a cached answer.</summary>
    [Id(8)]
    public long LatencyMs { get; init; }

    /// <summary>Serving name of the judge.</summary>
    [Id(9)]
    public string Judge { get; init; } = "";

    /// <summary>The failure code that the request got; none if the request continued.</summary>
    [Id(10), JsonConverter(typeof(FailureCodeConverter))]
    public FailureCode Code { get; init; }

    /// <summary>Why there was no verdict; null if there was one.</summary>
    [Id(11)]
    public JudgeFault? Fault { get; init; }

    /// <summary>Whether the answer came from the cache of an earlier judgement of the same text.</summary>
    [Id(12)]
    public bool Remembered { get; init; }

    /// <summary>The beginning of the judged text if the firewall keeps prompts; else null.</summary>
    [Id(13)]
    public string? Prompt { get; init; }
}

public enum FirewallDecision
{
    /// <summary>No rule matched.</summary>
    Pass = 1,

    /// <summary>At least one rule matched.</summary>
    Match = 2,

    /// <summary>There was no verdict.</summary>
    Unjudged = 3,
}

/// <summary>Why there is no verdict.</summary>
public enum JudgeFault
{
    /// <summary>No instance of the account has the judge's serving name.</summary>
    NotFound = 1,

    NotRunning = 2,

    /// <summary>No answer came before the deadline.</summary>
    TimedOut = 3,

    /// <summary>The judge's text is not an answer (<see cref="JudgeAnswer"/>).</summary>
    Unreadable = 4,

    /// <summary>The judge refused, or its response broke off.</summary>
    Failing = 5,

    /// <summary>The text is longer than <see cref="JudgeInput.LongestLength"/>.</summary>
    TooLong = 6,

    /// <summary>The gateway's limit of simultaneous judgements was reached.</summary>
    Busy = 7,

    /// <summary>
    /// The account has no such firewall: it was deleted while it was attached, or the request names a wrong one.
    /// </summary>
    NoFirewall = 8,

    /// <summary>The request contains parts that the judge cannot be shown: an image, a sound, token ids.</summary>
    NotText = 9,
}

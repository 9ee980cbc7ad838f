using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Firewalls;

/// <summary>What one firewall made of one request. No word of the request is in it, unless the firewall keeps prompts.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.FirewallEvaluation")]
public sealed record FirewallEvaluation
{
    /// <summary>Most characters of a kept prompt.</summary>
    public const int LongestPrompt = 2000;

    /// <summary>Place among the account's evaluations, from 1; 0 before it is recorded.</summary>
    [Id(0)]
    public long Sequence { get; init; }

    /// <summary>When it was decided.</summary>
    [Id(1)]
    public DateTimeOffset At { get; init; }

    /// <summary>The request it was about.</summary>
    [Id(2)]
    public RequestId RequestId { get; init; }

    /// <summary>The firewall's slug.</summary>
    [Id(3)]
    public string Firewall { get; init; } = "";

    /// <summary>The firewall's version.</summary>
    [Id(4)]
    public long Version { get; init; }

    /// <summary>The firewall's mode then.</summary>
    [Id(5)]
    public FirewallMode Mode { get; init; }

    /// <summary>What was found.</summary>
    [Id(6)]
    public FirewallDecision Decision { get; init; }

    /// <summary>Slugs of the rules that matched, in the firewall's order.</summary>
    [Id(7)]
    public ImmutableArray<string> Matched { get; init; } = [];

    /// <summary>How long it took, milliseconds; 0 for a remembered answer.</summary>
    [Id(8)]
    public long LatencyMs { get; init; }

    /// <summary>Serving name of the judge.</summary>
    [Id(9)]
    public string Judge { get; init; } = "";

    /// <summary>What the request was answered with on account of this; none where it went on.</summary>
    [Id(10), JsonConverter(typeof(FailureCodeConverter))]
    public FailureCode Code { get; init; }

    /// <summary>Why there was no verdict; null where there was one.</summary>
    [Id(11)]
    public JudgeFault? Fault { get; init; }

    /// <summary>Whether the answer was remembered from the same text before.</summary>
    [Id(12)]
    public bool Remembered { get; init; }

    /// <summary>The beginning of the judged text, where the firewall keeps it; else null.</summary>
    [Id(13)]
    public string? Prompt { get; init; }
}

/// <summary>What a firewall found.</summary>
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
    /// <summary>No instance of the account serves under the judge's name.</summary>
    NotFound = 1,

    /// <summary>The judge is not running.</summary>
    NotRunning = 2,

    /// <summary>No answer came before the deadline.</summary>
    TimedOut = 3,

    /// <summary>What came was not an answer.</summary>
    Unreadable = 4,

    /// <summary>The judge refused or broke off.</summary>
    Failing = 5,

    /// <summary>The text is longer than any judge is asked about.</summary>
    TooLong = 6,

    /// <summary>As much was being judged as the door takes.</summary>
    Busy = 7,

    /// <summary>The firewall itself is missing: what names it was left behind, or is mistaken.</summary>
    NoFirewall = 8,

    /// <summary>The request holds what a judge of texts cannot read: an image, a sound, token ids.</summary>
    NotText = 9,
}

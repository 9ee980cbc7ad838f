using System.Collections.Immutable;
using Scheduler.Domain.Firewalls;

namespace Scheduler.Dashboard.Firewalls;

/// <summary>The latest evaluations of a firewall, counted: by rule, and how long its judge took.</summary>
internal sealed class EvaluationTally
{
    private readonly ImmutableArray<FirewallEvaluation> _evaluations;
    private readonly long[] _latencies;

    /// <param name="evaluations">Newest first.</param>
    /// <param name="rules">Slugs of the rules that are asked now, in their order.</param>
    public EvaluationTally(ImmutableArray<FirewallEvaluation> evaluations, IEnumerable<string> rules)
    {
        _evaluations = evaluations;
        Judged = evaluations.Count(evaluation => evaluation.Decision != FirewallDecision.Unjudged);
        Matched = evaluations.Count(evaluation => evaluation.Decision == FirewallDecision.Match);
        Remembered = evaluations.Count(evaluation => evaluation.Remembered);
        _latencies =
        [
            .. evaluations
                .Where(evaluation => evaluation is { Decision: not FirewallDecision.Unjudged, Remembered: false })
                .Select(evaluation => evaluation.LatencyMs)
                .Order(),
        ];
        var matches = evaluations
            .SelectMany(evaluation => evaluation.Matched)
            .CountBy(slug => slug, StringComparer.Ordinal)
            .ToDictionary(StringComparer.Ordinal);
        var asked = rules.ToList();
        ByRule =
        [
            .. asked.Select(slug => Row(slug, true)),
            .. matches
                .Keys.Except(asked, StringComparer.Ordinal)
                .Order(StringComparer.Ordinal)
                .Select(s => Row(s, false)),
        ];

        RuleTally Row(string slug, bool isAsked)
        {
            var matched = matches.GetValueOrDefault(slug);
            return new RuleTally(slug, isAsked, matched, isAsked ? Judged - matched : null);
        }
    }

    public int Count => _evaluations.Length;

    /// <summary>Those with a verdict.</summary>
    public int Judged { get; }

    /// <summary>Those that matched a rule at least.</summary>
    public int Matched { get; }

    /// <summary>Those without a verdict: the judge could not be asked, or what it said was none.</summary>
    public int Unjudged => Count - Judged;

    /// <summary>Those answered from memory.</summary>
    public int Remembered { get; }

    /// <summary>Every rule that is asked, in order, then those that matched and are not asked any more.</summary>
    public ImmutableArray<RuleTally> ByRule { get; }

    /// <summary>When the oldest of them was decided; null without any.</summary>
    public DateTimeOffset? Since => _evaluations.IsEmpty ? null : _evaluations[^1].At;

    /// <summary>Whether the firewall was changed between them, so that not every one was asked by the same rules.</summary>
    public bool IsOfSeveralVersions => _evaluations.Select(evaluation => evaluation.Version).Distinct().Skip(1).Any();

    /// <summary>How long the judge took, for a share of all calls; null where it gave no verdict.</summary>
    /// <param name="share">0.5 for the median.</param>
    public TimeSpan? Latency(double share) =>
        _latencies.Length == 0
            ? null
            : TimeSpan.FromMilliseconds(_latencies[(int)Math.Ceiling(share * _latencies.Length) - 1]);
}

/// <summary>What one rule found.</summary>
/// <param name="Slug">Which.</param>
/// <param name="IsAsked">Whether the firewall asks it now.</param>
/// <param name="Matched">How often the answer was yes.</param>
/// <param name="Passed">How often it was no; null where that is not known.</param>
internal sealed record RuleTally(string Slug, bool IsAsked, int Matched, int? Passed);

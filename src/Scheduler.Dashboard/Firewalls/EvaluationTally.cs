using System.Collections.Immutable;
using Scheduler.Domain.Firewalls;

namespace Scheduler.Dashboard.Firewalls;

/// <summary>Statistics over the latest evaluations of a firewall: matches per rule and judge latency.</summary>
internal sealed class EvaluationTally
{
    private readonly ImmutableArray<FirewallEvaluation> _evaluations;
    private readonly long[] _latencies;

    /// <param name="evaluations">Newest first.</param>
    /// <param name="rules">Slugs of the current rules, in order.</param>
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

    /// <summary>Evaluations with a verdict.</summary>
    public int Judged { get; }

    /// <summary>Evaluations that matched at least one rule.</summary>
    public int Matched { get; }

    /// <summary>Evaluations without a verdict: the judge was unreachable, or its answer was no verdict.</summary>
    public int Unjudged => Count - Judged;

    /// <summary>Evaluations answered from the verdict cache.</summary>
    public int Remembered { get; }

    /// <summary>The current rules in order, then removed rules that have matches.</summary>
    public ImmutableArray<RuleTally> ByRule { get; }

    /// <summary>Time of the oldest evaluation; null without evaluations.</summary>
    public DateTimeOffset? Since => _evaluations.IsEmpty ? null : _evaluations[^1].At;

    /// <summary>Whether the firewall changed in this time, so that not all evaluations used the same rules.</summary>
    public bool IsOfSeveralVersions => _evaluations.Select(evaluation => evaluation.Version).Distinct().Skip(1).Any();

    /// <summary>A quantile of the judge latency, without cached verdicts; null if there is no verdict.</summary>
    /// <param name="share">0.5 for the median.</param>
    public TimeSpan? Latency(double share) =>
        _latencies.Length == 0
            ? null
            : TimeSpan.FromMilliseconds(_latencies[(int)Math.Ceiling(share * _latencies.Length) - 1]);
}

/// <param name="IsAsked">Whether the firewall uses the rule now.</param>
/// <param name="Passed">Evaluations in which the rule did not match; null for a removed rule.</param>
internal sealed record RuleTally(string Slug, bool IsAsked, int Matched, int? Passed);

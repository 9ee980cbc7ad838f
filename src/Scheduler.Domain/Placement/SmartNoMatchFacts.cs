using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Placement;

/// <summary>The facts of a SMART_NO_MATCH: the offers that each constraint removed, and all relaxations.</summary>
/// <param name="Stages">Only those that removed offers.</param>
/// <param name="Relaxations">All minimal relaxations, nearest first; empty when no change by the caller helps.</param>
/// <param name="MatchLater">Offers that match once they are available or their provider recovers.</param>
public sealed record SmartNoMatchFacts(
    int OffersIn,
    ImmutableArray<FunnelStage> Stages,
    ImmutableArray<Relaxation> Relaxations,
    int MatchLater
) : FailureFacts(FailureCode.SmartNoMatch)
{
    /// <summary>
    /// Sentences about unknown names in the spec. Only a spec that was stored earlier can have them; a request with an unknown name is
    /// refused.
    /// </summary>
    public ImmutableArray<string> Unknown { get; init; } = [];

    public ImmutableArray<string> FunnelLines =>
        [
            .. Stages.Select(stage =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{stage.Constraint}: {stage.Removed} removed ({stage.RemovedAlone} by it alone): {stage.Reason}"
                )
            ),
        ];

    /// <summary>
    /// Instructions with exact values, one per relaxation; each alone makes the request match. After them, or without any, the advice to wait
    /// or to try again.
    /// </summary>
    public ImmutableArray<string> Instructions
    {
        get
        {
            var lines = Relaxations.Select(relaxation => relaxation.ToString()).ToList();
            if (MatchLater > 0)
            {
                lines.Add(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{(lines.Count == 0 ? "wait" : "or wait")}: {MatchLater} matching {(MatchLater == 1 ? "offer is" : "offers are")} not available now"
                    )
                );
            }
            else if (lines.Count == 0)
            {
                lines.Add(OffersIn == 0 ? "try again later: no provider lists any offer" : "try again later");
            }

            return [.. lines];
        }
    }

    /// <param name="decision">A decision without match and without <see cref="PlacementDecision.NoShapeFits"/>.</param>
    public static SmartNoMatchFacts Of(PlacementDecision decision) =>
        new SmartNoMatchFacts(
            decision.Funnel.OffersIn,
            [.. decision.Funnel.Stages.Where(stage => stage.Removed > 0 || stage.RemovedAlone > 0)],
            decision.Relaxations,
            decision.MatchLater
        );

    /// <inheritdoc/>
    protected internal override FailureText Describe()
    {
        var alone = string.Join(
            ", ",
            Stages.Where(s => s.RemovedAlone > 0).Select(s => $"{s.Constraint} alone removes {s.RemovedAlone}")
        );
        var details = Details(
                ("offers_in", OffersIn),
                ("match_later", MatchLater),
                ("funnel", string.Join("; ", FunnelLines))
            )
            .AddRange(
                Instructions
                    .Take(MaxRelaxationsReported)
                    .Select((line, i) => KeyValuePair.Create($"relaxation_{i + 1}", line))
            )
            .AddRange(RelaxationDetails.Of(Relaxations));
        return new FailureText(
            $"None of {OffersIn} offers satisfies the constraints{(alone.Length == 0 ? "" : $" ({alone})")}."
                + string.Concat(Unknown.Select(sentence => $" {sentence}")),
            Relaxations.IsEmpty
                ? $"{Capital(Instructions[0])}."
                : $"Change {string.Join(" | or change ", Instructions.Take(HintedRelaxations))}; then start again.",
            details
        );
    }

    /// <summary>Relaxations in the hint; few, so that it stays readable.</summary>
    private const int HintedRelaxations = 3;

    /// <summary>Relaxations in the details; <c>explain</c> returns all of them.</summary>
    private const int MaxRelaxationsReported = 20;

    private static string Capital(string line) => char.ToUpperInvariant(line[0]) + line[1..];
}

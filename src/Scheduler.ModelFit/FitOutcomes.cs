using System.Diagnostics;

namespace Scheduler.ModelFit;

public static class FitOutcomes
{
    /// <summary>The name in grain messages.</summary>
    public static string WireName(this FitOutcome outcome) =>
        outcome switch
        {
            FitOutcome.Fits => "fits",
            FitOutcome.Tight => "tight",
            FitOutcome.CannotFit => "cannot_fit",
            FitOutcome.Uncertain => "uncertain",
            _ => throw new UnreachableException(),
        };

    /// <summary>Parses what <see cref="WireName"/> returns.</summary>
    public static FitOutcome Parse(string name) =>
        name switch
        {
            "fits" => FitOutcome.Fits,
            "tight" => FitOutcome.Tight,
            "cannot_fit" => FitOutcome.CannotFit,
            "uncertain" => FitOutcome.Uncertain,
            _ => throw new ArgumentException($"'{name}' is no outcome of the fit check.", nameof(name)),
        };
}

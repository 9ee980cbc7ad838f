using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Models;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Runtimes.Exits;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Runtimes;

/// <summary>The runtime ended, stopped answering, or lost its capacity.</summary>
/// <param name="Code">The diagnosis (see <see cref="ExitDiagnosis"/>), or <see cref="FailureCode.Preempted"/>.</param>
/// <param name="Exit">
/// Null when no runtime exited (capacity vanished or was preempted). Without an exit code when the scheduler ended a
/// runtime that no longer answered.
/// </param>
/// <param name="Remedy">For missing GPU memory: a shape that would fit; null when none is known.</param>
/// <param name="Finding">What the output and the provider's reason show; null when no runtime exited.</param>
/// <param name="Preset">Runtime preset, which decides the engine's options in the hint.</param>
public sealed record RuntimeEndFacts(
    FailureCode Code,
    Offer Offer,
    string Model,
    long ContextTokens,
    RuntimeExit? Exit,
    string What,
    MemoryRemedy? Remedy,
    ExitFinding? Finding = null,
    string Preset = ""
) : FailureFacts(Code)
{
    private const string CauseDetail = "cause";

    /// <summary>Where a start would go now; null when it is not known, or when another route does not help.</summary>
    public NextRoute? Next { get; init; }

    /// <summary>Whether a runtime ended because its host lacked main memory. This says nothing about GPU memory.</summary>
    public static bool IsOfMainMemory(Failure failure) =>
        failure.Code == FailureCode.OomKilled
        && failure.Details.GetValueOrDefault(CauseDetail) == nameof(ExitCause.HostMemory);

    protected internal override FailureText Describe()
    {
        var own = Exit is null || Finding is null ? null : ExitDiagnosis.OwnLine(Exit, Finding);
        return new(
            $"{What} ({Model} on {Offer.GpuCount}×{Offer.GpuType}, {Offer.Route}).{Contradiction()}"
                + (own is null ? "" : $" It reported: {own}"),
            Next is null ? Hint() : $"{Hint()} {Offer.Route} ranks last for a while; {NextRoute.WordsOf(Next)}.",
            Details(
                    ("route", Offer.Route),
                    ("model", Model),
                    ("gpu_type", Offer.GpuType),
                    ("gpu_count", Offer.GpuCount),
                    ("spot", Offer.Spot ? "true" : null),
                    ("context_tokens", ContextTokens),
                    ("exit_code", Exit?.ExitCode),
                    ("provider_reason", Exit?.ProviderReason),
                    (CauseDetail, Finding is null or { Cause: ExitCause.Unknown } ? null : Finding.Cause),
                    (
                        "output_tail",
                        Exit is null ? null : OutputExcerpt.Of(Exit.OutputTail, RuntimeExit.MaxDetailChars)
                    ),
                    ("fitting_context_tokens", Remedy?.ContextTokens),
                    ("fitting_gpu_type", Remedy?.GpuType),
                    ("fitting_gpu_count", Remedy?.GpuCount),
                    ("fitting_gpu_also_change", Remedy?.Also?.Change),
                    ("fitting_price_per_hour_micro_eur", Remedy?.PricePerHour?.Value),
                    ("estimated_bytes_per_gpu", Remedy?.Estimate?.ExpectedBytes),
                    ("usable_bytes_per_gpu", Remedy?.Estimate?.UsableBytes),
                    ("estimate_contradicted", Remedy?.Estimate?.Outcome == FitOutcome.Fits ? "true" : null)
                )
                .AddRange(NextRoute.DetailsOf(Next))
                .AddRange(Remedy?.Also is { } also ? RelaxationDetails.Of("fitting_gpu_also_", also) : [])
        );
    }

    private string Hint()
    {
        if (Finding is { } finding && ExitHints.Of(finding.Cause, Model, Preset) is { } hint)
        {
            return Code != FailureCode.OomKilled ? hint
                : finding.Cause != ExitCause.HostMemory ? $"{OomHint()} {hint}"
                : Smaller() is { } smaller ? $"Either {smaller}, or act on this: {hint}"
                : hint;
        }

        if (Code == FailureCode.OomKilled)
        {
            return OomHint();
        }

        if (Code == FailureCode.Preempted)
        {
            return Offer.Spot
                ? "Start again for another route, or set spot_allowed to false to keep the capacity once it is given."
                : "Start again for another route; this provider took back capacity that was not sold as spot.";
        }

        if (Code == FailureCode.ModelLoadError)
        {
            return $"Correct what the output names about {Model} (source, format, access), then start again.";
        }

        if (Exit?.ProviderReason?.StartsWith(RuntimeExit.KilledFromOutside, StringComparison.Ordinal) is true)
        {
            return "A process on its host killed it; memory was not the cause. Find out which one, then start again.";
        }

        if (Code == FailureCode.ImagePullFailed)
        {
            return "Correct the image of the runtime preset or its registry credentials, then start again.";
        }

        return string.IsNullOrEmpty(Exit?.OutputTail)
            ? "Start again: it left no output that explains its end."
            : "Read output_tail in the details, fix the problem it names, then start again.";
    }

    /// <summary>What the end says about the estimate that permitted the run.</summary>
    private string Contradiction() =>
        Remedy?.Estimate is { Outcome: FitOutcome.Fits } estimate
            ? $" The estimate was too low: it expected {GpuIncompatibleFacts.Gib(estimate.ExpectedBytes)} of "
                + $"{GpuIncompatibleFacts.Gib(estimate.UsableBytes)} GiB, and the runtime needed more."
            : "";

    private string? Smaller() =>
        Remedy?.ContextTokens is { } context && context < ContextTokens
            ? $"set context_tokens to {context} (it was {ContextTokens})"
            : null;

    private string OomHint()
    {
        var smaller = Smaller();
        var price = Remedy?.PricePerHour is { } perHour ? $", on offer from {perHour} EUR/h" : "";
        var also = Remedy?.Also is { } more ? $", and change {more.Change}" : "";
        var larger = Remedy?.GpuType is { } gpu
            ? $"set gpu_type to {gpu} and gpu_count to {Remedy.GpuCount}{price}{also}"
            : null;
        return (smaller, larger) switch
        {
            ({ } a, { } b) => $"Either {a}, or {b}; then start again.",
            ({ } a, null) => $"Now {a} and start again.",
            (null, { } b) => $"No smaller context fits {Offer.GpuCount}×{Offer.GpuType}: {b}; then start again.",
            _ => "Reduce parallel_sequences or take a smaller weight format; no larger GPU is known.",
        };
    }
}

/// <param name="ContextTokens">Largest context that fits the same GPUs comfortably; null when none does.</param>
/// <param name="GpuType">Next larger GPU type; null when none is known.</param>
/// <param name="PricePerHour">Cheapest offer of that GPU type and count now; null without one.</param>
/// <param name="Also">Further change that this offer requires; null when none.</param>
/// <param name="Estimate">The estimate of the run that ended; null when the model or the GPU is unknown.</param>
public sealed record MemoryRemedy(
    long? ContextTokens,
    string? GpuType,
    int GpuCount,
    MicroEuro? PricePerHour,
    Relaxation? Also = null,
    FitVerdict? Estimate = null
);

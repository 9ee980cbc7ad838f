using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Models;
using Scheduler.Domain.Placement;
using Scheduler.ModelFit;
using static Scheduler.Domain.Failures.FailureCode;

namespace Scheduler.Domain.Instances;

/// <summary>
/// The actions that the scheduler can take for a failed instance, computed from the facts of its failure. Each one that
/// the hint describes becomes a spec to store and an amount to top up before the next start.
/// </summary>
/// <remarks>
/// Remedies come only from facts. If an older record lacks a fact, its remedy is omitted. The spec may have changed
/// since the failure: a remedy whose changes are already made is omitted too, and a plain start comes first. For
/// failures that the scheduler cannot fix (an image, a model's files) the only remedy is a start. Its title names the
/// fix to make first.
/// </remarks>
public static partial class Remedies
{
    private const string StartAgainId = "start-again";

    /// <summary>The remedies, most promising first; ids are unique.</summary>
    /// <returns>
    /// At least one in <c>failed</c> and in <c>stopped</c> (without a failure: <c>start</c>); none in any other state.
    /// </returns>
    public static ImmutableArray<Remedy> For(InstanceRecord record)
    {
        if (!record.State.MayChangeSpec())
        {
            return [];
        }

        if (record.Failure?.Failure is not { } failure)
        {
            return record.State == InstanceState.Stopped
                ? [new Remedy { Id = "start", Title = "Start" }]
                : [StartAgain("Start again")];
        }

        // 1. The remedies from the facts, without those already applied.
        var all = WaysOf(record, failure).OfType<Remedy>().ToList();
        var open = all.Where(way => way.Spec is null || !way.Changes.IsEmpty)
            .Select(way => WithMoney(way, failure.Details))
            .ToList();

        // 2. An applied remedy makes a plain start worthwhile. A start is also the last resort.
        if (open.Count < all.Count)
        {
            var again = open.Find(way => way.Id == StartAgainId) ?? StartAgain("Start again");
            open.Remove(again);
            open.Insert(0, again);
        }
        else if (open.Count == 0)
        {
            open.Add(StartAgain(AfterWhat(failure)));
        }

        return [.. open];
    }

    /// <summary>
    /// The remedies that the facts of a failure allow, most promising first. One is null where its fact is missing, and has no changes
    /// where the spec contains them already.
    /// </summary>
    private static IEnumerable<Remedy?> WaysOf(InstanceRecord record, Failure failure)
    {
        var (spec, details) = (record.Spec, failure.Details);
        return failure.Code switch
        {
            BillingBelowMinimum when details.ContainsKey("suspended") => [],
            BillingBelowMinimum when details.ContainsKey(BelowMinimumFacts.AlsoCode) => TopUpAnd(record, failure),
            BillingBelowMinimum => [TopUp(details), CheaperOffer(spec, details)],
            BalanceExhausted => [TopUp(details)],
            SmartNoMatch => [.. Relaxations(spec, details), StartLater(details)],
            GpuIncompatible when details.ContainsKey(GpuIncompatibleFacts.ThenCode) => ContextAnd(record, failure),
            GpuIncompatible => Fitting(spec, details),
            OomKilled => MoreMemory(record, details),
            ProviderTimeout or ProviderRejected => Elsewhere(record, details),
            RuntimeExited => Elsewhere(record, details),
            Preempted => [.. Elsewhere(record, details), WithoutSpot(spec, details)],
            RuntimeStartTimeout => AfterStartTimeout(record, details),
            ModelNotFound => [NearModel(spec, details), StartAgain(AfterWhat(failure))],
            // Fixed outside the scheduler.
            ImagePullFailed or ModelLoadError => [],
            // Failures of requests and keys; never stored on an instance.
            None
            or AuthMissingToken
            or AuthInvalidToken
            or AuthRevokedToken
            or CtxTooLarge
            or FirewallBlocked
            or JudgeUnreachable
            or InstanceNotRunning
            or RateLimited
            or QuotaExceeded
            or ModelImportRefused
            or HubUnreachable
            or NoHealthyDestination
            or ServiceNotReady
            or RuntimeError => [],
            _ => [],
        };
    }

    private static Remedy StartAgain(string title) => new() { Id = StartAgainId, Title = title };

    private static Remedy Change(string id, LaunchSpec from, LaunchSpec to, string note = "")
    {
        var changes = SpecChanges.Between(from, to);
        return new Remedy
        {
            Id = id,
            Title = changes.IsEmpty ? "" : SpecChanges.Instruction(from, to) + note,
            Changes = changes,
            Spec = to,
        };
    }

    private static Remedy? CheaperOffer(LaunchSpec spec, ImmutableSortedDictionary<string, string> details)
    {
        if (
            details.Money("affordable_price_per_hour_micro_eur") is not { } price
            || details.Line("affordable_offer") is not { } route
        )
        {
            return null;
        }

        var wish = spec.Constraints;
        return Change(
            "cheaper-offer",
            spec,
            wish.MaxPricePerHour <= price ? spec : spec with { Constraints = wish with { MaxPricePerHour = price } },
            $", for {route}"
        );
    }

    private static IEnumerable<Remedy?> Relaxations(LaunchSpec spec, ImmutableSortedDictionary<string, string> details)
    {
        for (var number = 1; number <= RelaxationDetails.Most; number++)
        {
            var prefix = RelaxationDetails.Prefix(number);
            if (RelaxationDetails.Follow(details, prefix, spec.Constraints) is { } loosened)
            {
                var mark = details.ContainsKey(prefix + RelaxationDetails.Leaves) ? Relaxation.LeavesMark : null;
                var best = details.Money($"{prefix}best_price_per_hour_micro_eur") is { } price
                    ? $"best offer {price} EUR/h"
                    : null;
                string[] notes = [.. new[] { mark, best }.OfType<string>()];
                yield return Change(
                    string.Create(CultureInfo.InvariantCulture, $"relax-{number}"),
                    spec,
                    spec with
                    {
                        Constraints = loosened,
                    },
                    notes is [] ? "" : $" ({string.Join("; ", notes)})"
                ) with
                {
                    Price = details.Money($"{prefix}best_price_per_hour_micro_eur"),
                };
            }
        }
    }

    private static Remedy? StartLater(ImmutableSortedDictionary<string, string> details) =>
        details.Number("match_later", 1) is { } later
            ? StartAgain(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Start again later: {later:N0} matching {(later == 1 ? "offer is" : "offers are")} not available now"
                )
            )
            : null;

    /// <summary>
    /// In the order of the hint: offers available now, first those that keep what the request names, then changes that fit
    /// the requested GPU, then a GPU not on offer now.
    /// </summary>
    private static IEnumerable<Remedy?> Fitting(LaunchSpec spec, ImmutableSortedDictionary<string, string> details)
    {
        const string price = "smallest_gpu_price_per_hour_micro_eur";
        var larger = LargerGpu(spec, details, "smallest_gpu", price);
        var isOffered = details.Money(price) is not null;
        var relaxations = Relaxations(spec, details).ToList();
        return
        [
            .. relaxations,
            isOffered && !relaxations.Exists(way => way?.Spec == larger?.Spec) ? larger : null,
            SmallerContext(spec, details, "suggested_context_tokens")
                ?? SmallerContext(spec, details, "largest_context_tokens"),
            FewerSequences(spec, details),
            OtherWeights(spec, details),
            isOffered || details.ContainsKey("relaxation_1") ? null : larger,
        ];
    }

    /// <summary>
    /// A smaller context keeps the GPUs and their price, so it comes first. If less context or another GPU was not
    /// enough before, more memory comes first.
    /// </summary>
    private static IEnumerable<Remedy?> MoreMemory(
        InstanceRecord record,
        ImmutableSortedDictionary<string, string> details
    )
    {
        var smaller = SmallerContext(record.Spec, details, "fitting_context_tokens");
        var larger = LargerGpu(record.Spec, details, "fitting_gpu", "fitting_price_per_hour_micro_eur");
        return record.PastFailures?.IsMemoryRepeated is true ? [larger, smaller] : [smaller, larger];
    }

    private static Remedy? LargerGpu(
        LaunchSpec spec,
        ImmutableSortedDictionary<string, string> details,
        string prefix,
        string priceName
    )
    {
        var wish = details.ContainsKey($"{prefix}_also_change")
            ? RelaxationDetails.Follow(details, $"{prefix}_also_", spec.Constraints)
            : spec.Constraints;
        if (
            wish is null
            || details.Number($"{prefix}_count", 1, SpecLimits.MostGpus) is not { } count
            || details.Line($"{prefix}_type") is not { } type
            || GpuCatalogue.Shipped.Find(type) is not { } gpu
        )
        {
            return null;
        }

        var price = details.Money(priceName) is { } perHour ? $"{perHour} EUR/h" : "not on offer now";
        var leaves = spec.Constraints.GpuType is { } named && named != gpu.Name ? $"; {Relaxation.LeavesMark}" : "";
        return Change(
            "larger-gpu",
            spec,
            spec with
            {
                Constraints = wish with { GpuType = gpu.Name, GpuCount = (int)count },
            },
            $" ({GpuIncompatibleFacts.Gib(gpu.VramBytes)} GiB per GPU, {price}{leaves})"
        ) with
        {
            Price = details.Money(priceName),
        };
    }

    /// <summary>Only when the context from the facts is smaller than the one that failed.</summary>
    private static Remedy? SmallerContext(
        LaunchSpec spec,
        ImmutableSortedDictionary<string, string> details,
        string name
    ) =>
        details.Number(name, 1, SpecLimits.LargestContextTokens) is { } context
        && details.Number("context_tokens", context + 1) is not null
            ? Change(
                "reduce-context",
                spec,
                spec.ContextTokens <= context ? spec : spec with { ContextTokens = context }
            ) with
            {
                Price = details.Money("suggested_context_price_per_hour_micro_eur"),
            }
            : null;

    private static Remedy? FewerSequences(LaunchSpec spec, ImmutableSortedDictionary<string, string> details) =>
        details.Number("suggested_parallel_sequences", 1, SpecLimits.MostSequences) is { } sequences
            ? Change("fewer-sequences", spec, spec with { ParallelSequences = (int)sequences })
            : null;

    private static Remedy? OtherWeights(LaunchSpec spec, ImmutableSortedDictionary<string, string> details) =>
        details.TryGetValue("weight_format_that_fits", out var name)
        && FormatNames.TryWeight(name, out var format)
        && format is not null
            ? Change("weight-format", spec, spec with { WeightFormat = name })
            : null;

    private static Remedy? WithoutSpot(LaunchSpec spec, ImmutableSortedDictionary<string, string> details) =>
        details.Line("spot") == "true"
            ? Change("disallow-spot", spec, spec with { Constraints = spec.Constraints with { SpotAllowed = false } })
            : null;

    private static Remedy? NearModel(LaunchSpec spec, ImmutableSortedDictionary<string, string> details) =>
        details.TryGetValue("near", out var name) && ModelCatalogue.Names.Contains(name, StringComparer.Ordinal)
            ? Change("use-model", spec, spec with { Model = name })
            : null;

    /// <summary>Title of a start that requires a fix outside the scheduler first, as named in the hint.</summary>
    private static string AfterWhat(Failure failure)
    {
        var isSuspended = failure.Details.ContainsKey("suspended");
        var what =
            failure.Code == ImagePullFailed ? "the image or its registry credentials are corrected"
            : failure.Code == ModelLoadError ? "the model's source, format or access is corrected"
            : failure.Code == ModelNotFound ? "the model is registered"
            : failure.Code == BillingBelowMinimum && isSuspended ? "the operator has lifted the suspension"
            : failure.Code is BillingBelowMinimum or BalanceExhausted ? "the account is topped up"
            : failure.Code is GpuIncompatible or OomKilled ? "what the hint names is changed"
            : null;
        return what is not null ? $"Start again once {what}"
            : failure.Code == SmartNoMatch ? "Start again later"
            : "Start again";
    }
}

using System.Collections.Immutable;
using System.Globalization;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Runtimes.Engines;

/// <summary>An option that states a quantity of a plan: how it is printed and how it is read.</summary>
/// <param name="Names">The first is printed.</param>
/// <param name="Print">The value; null to leave the option out, which is the engine's default.</param>
/// <param name="Read">The plan with the value; null for a value that no plan has.</param>
/// <param name="Accepted">The values, for messages.</param>
public sealed record PlanOption(
    PlanQuantity Quantity,
    ImmutableArray<string> Names,
    Func<LaunchPlan, string?> Print,
    Func<LaunchPlan, string, LaunchPlan?> Read,
    string Accepted
)
{
    /// <summary>Whether the option has no value: it is printed when <see cref="Print"/> returns any text.</summary>
    public bool IsFlag { get; init; }

    /// <summary>Whether it is an environment variable, printed as one argument <c>NAME=value</c>.</summary>
    public bool IsVariable { get; init; }

    public IEnumerable<string> Arguments(LaunchPlan plan) =>
        Print(plan) is not { } value ? []
        : IsFlag ? [Names[0]]
        : IsVariable ? [$"{Names[0]}={value}"]
        : [Names[0], value];

    /// <summary>A whole number from 1.</summary>
    public static PlanOption Number(
        PlanQuantity quantity,
        string names,
        long most,
        Func<LaunchPlan, long?> get,
        Func<LaunchPlan, long, LaunchPlan?> set
    ) =>
        new(
            quantity,
            Split(names),
            plan => get(plan)?.ToString(CultureInfo.InvariantCulture),
            (plan, text) =>
                long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && number >= 1
                && number <= most
                    ? set(plan, number)
                    : null,
            string.Create(CultureInfo.InvariantCulture, $"a whole number from 1 to {most}")
        );

    /// <summary>One of some words, each for a value of the plan.</summary>
    /// <param name="words">
    /// The first word of a value is printed. A value that is not printed is left to the engine.
    /// </param>
    public static PlanOption Word<T>(
        PlanQuantity quantity,
        string names,
        ImmutableArray<(T Value, string Word)> words,
        Func<LaunchPlan, T> get,
        Func<LaunchPlan, T, LaunchPlan> set
    ) =>
        new(
            quantity,
            Split(names),
            plan => words.FirstOrDefault(word => EqualityComparer<T>.Default.Equals(word.Value, get(plan))).Word,
            (plan, text) =>
                words.Any(word => word.Word == text) ? set(plan, words.First(word => word.Word == text).Value) : null,
            string.Join(", ", words.Select(word => word.Word))
        );

    public static PlanOption Flag(
        PlanQuantity quantity,
        string names,
        Func<LaunchPlan, bool> get,
        Func<LaunchPlan, LaunchPlan> set
    ) =>
        new(quantity, Split(names), plan => get(plan) ? "" : null, (plan, _) => set(plan), "no value")
        {
            IsFlag = true,
        };

    /// <summary>The share of the GPU's memory, 0.05 to 1 in thousandths.</summary>
    public static PlanOption Share(string names)
    {
        const int least = 50;
        return new(
            PlanQuantity.MemoryShare,
            Split(names),
            plan =>
                plan.MemoryPerMille is { } share
                    ? (share / 1000m).ToString("0.###", CultureInfo.InvariantCulture)
                    : null,
            (plan, text) =>
                decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var share)
                && share * 1000 is >= least and <= 1000
                && share * 1000 == decimal.Truncate(share * 1000)
                    ? plan with
                    {
                        MemoryPerMille = (int)(share * 1000),
                    }
                    : null,
            "a share from 0.05 to 1 with at most three decimals"
        );
    }

    /// <summary>The most tokens of one step, at most a million.</summary>
    public static PlanOption Batch(string names)
    {
        const long most = 1 << 20;
        return Number(
            PlanQuantity.BatchTokens,
            names,
            most,
            plan => plan.BatchTokens,
            (plan, tokens) => plan with { BatchTokens = tokens }
        );
    }

    public static PlanOption AtOnce(string names) =>
        Number(
            PlanQuantity.SequencesAtOnce,
            names,
            Instances.SpecLimits.MostSequences,
            plan => plan.SequencesAtOnce,
            (plan, sequences) => plan with { SequencesAtOnce = (int)sequences }
        );

    public static PlanOption Context(string names) =>
        Number(
            PlanQuantity.Context,
            names,
            Instances.SpecLimits.LargestContextTokens,
            plan => plan.ContextTokens,
            (plan, tokens) => plan with { ContextTokens = tokens }
        );

    public static PlanOption TensorParallel(string names) =>
        Number(
            PlanQuantity.TensorParallel,
            names,
            Instances.SpecLimits.MostGpus,
            plan => plan.TensorParallel,
            (plan, gpus) => plan with { TensorParallel = (int)gpus }
        );

    /// <summary>The three options of LoRA adapters.</summary>
    public static ImmutableArray<PlanOption> Lora(string enable, string count, string rank)
    {
        // Defaults of vLLM and SGLang for one adapter.
        var least = new LoraSlots(1, 16);
        return
        [
            Flag(
                PlanQuantity.Lora,
                enable,
                plan => plan.Lora is not null,
                plan => plan with { Lora = plan.Lora ?? least }
            ),
            Number(
                PlanQuantity.Lora,
                count,
                LoraSlots.MostAdapters,
                plan => plan.Lora?.Count,
                (plan, slots) => plan with { Lora = (plan.Lora ?? least) with { Count = (int)slots } }
            ),
            Number(
                PlanQuantity.Lora,
                rank,
                LoraSlots.HighestRank,
                plan => plan.Lora?.Rank,
                (plan, highest) => plan with { Lora = (plan.Lora ?? least) with { Rank = (int)highest } }
            ),
        ];
    }

    internal static ImmutableArray<string> Split(string names) => [.. names.Split('|')];
}

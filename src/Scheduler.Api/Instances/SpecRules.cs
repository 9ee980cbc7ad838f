using Google.Protobuf.Collections;
using Scheduler.Api.Edge;
using Scheduler.Api.V1;
using Scheduler.Edge;
using SpecLimits = Scheduler.Domain.Instances.SpecLimits;

namespace Scheduler.Api.Instances;

/// <summary>What a launch spec must be in itself; whether it can be had is for the launch checks.</summary>
internal static class SpecRules
{
    private const int LongestArgument = 1024;
    private static readonly string[] KvFormats = ["auto", "fp16", "fp8"];

    /// <summary>Notes what is wrong with a spec.</summary>
    /// <param name="faults">Where to.</param>
    /// <param name="spec">The spec; null where it is missing.</param>
    /// <param name="isWhole">Whether it must name a model (a create), or may be a part (an update under a mask).</param>
    public static void CheckSpec(this Faults faults, LaunchSpec? spec, bool isWhole)
    {
        if (spec is null)
        {
            faults.Add("spec", "Is required.");
            return;
        }

        faults.Text("spec.model", spec.Model, Grammar.IsModelName, Grammar.ModelName, isWhole);
        faults.Text("spec.weight_format", spec.WeightFormat, Grammar.IsFormat, "1 to 32 of A-Z a-z 0-9 _ -");
        faults.Text(
            "spec.kv_format",
            spec.KvFormat,
            f => KvFormats.Contains(f, StringComparer.Ordinal),
            "auto, fp16 or fp8"
        );
        faults.Text("spec.runtime", spec.Runtime, Grammar.IsPreset, "1 to 63 of a-z 0-9 . _ -");
        if (spec.HasContextTokens)
        {
            faults.Range("spec.context_tokens", spec.ContextTokens, 1, SpecLimits.LargestContextTokens, "tokens");
        }

        if (spec.HasParallelSequences)
        {
            faults.Range("spec.parallel_sequences", spec.ParallelSequences, 1, SpecLimits.MostSequences);
        }

        faults.List(
            "spec.runtime_arguments",
            spec.RuntimeArguments,
            a => a.Length is > 0 and <= LongestArgument && !a.Contains('\0', StringComparison.Ordinal),
            "1 to 1024 characters"
        );
        faults.CheckDuration(
            "spec.allocation_timeout",
            spec.AllocationTimeout,
            SpecLimits.ShortestWait,
            SpecLimits.LongestWait
        );
        faults.CheckDuration("spec.start_timeout", spec.StartTimeout, SpecLimits.ShortestWait, SpecLimits.LongestWait);
        if (spec.Constraints is { } constraints)
        {
            faults.CheckConstraints(constraints);
        }
    }

    private static void CheckConstraints(this Faults faults, SmartConstraints constraints)
    {
        const string at = "spec.constraints";
        const string word = "1 to 64 characters in one line";
        const string provider = "1 to 63 of a-z 0-9 -";
        if (constraints.HasMaxPricePerHourMicroEur && constraints.MaxPricePerHourMicroEur < 0)
        {
            faults.Add($"{at}.max_price_per_hour_micro_eur", "Must be at least 0 micro-EUR.");
        }

        if (!Enum.IsDefined(constraints.MinimumTier))
        {
            faults.Add($"{at}.minimum_tier", $"Unknown value {(int)constraints.MinimumTier}.");
        }

        if (constraints.HasGpuCount)
        {
            faults.Range($"{at}.gpu_count", constraints.GpuCount, 1, SpecLimits.MostGpus);
        }

        faults.Text($"{at}.gpu_type", constraints.GpuType, Grammar.IsWord, word);
        faults.List($"{at}.regions", constraints.Regions, Grammar.IsWord, word);
        faults.List($"{at}.providers", constraints.Providers, Grammar.IsProviderId, provider);
        faults.List($"{at}.gpu_preferences", constraints.GpuPreferences, Grammar.IsWord, word);
        faults.List($"{at}.provider_preferences", constraints.ProviderPreferences, Grammar.IsProviderId, provider);
    }

    private static void Text(
        this Faults faults,
        string field,
        string text,
        Func<string, bool> isRight,
        string accepted,
        bool required = false
    )
    {
        if ((required || text.Length > 0) && !isRight(text))
        {
            faults.Add(field, $"Must be {accepted}.");
        }
    }

    private static void List(
        this Faults faults,
        string field,
        RepeatedField<string> items,
        Func<string, bool> isRight,
        string accepted
    )
    {
        if (items.Count > SpecLimits.LongestList)
        {
            faults.Add(field, $"Must have at most {SpecLimits.LongestList} items.");
            return;
        }

        for (var i = 0; i < items.Count; i++)
        {
            if (!isRight(items[i]))
            {
                faults.Add($"{field}[{i}]", $"Must be {accepted}.");
            }
        }
    }
}

using Google.Protobuf.Collections;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Secrets;
using Scheduler.Edge;
using SpecLimits = Scheduler.Domain.Instances.SpecLimits;

namespace Scheduler.Api.Instances;

/// <summary>Validation of a launch spec. The launch checks decide whether matching capacity exists.</summary>
internal static class SpecValidation
{
    /// <param name="spec">Null if it is missing.</param>
    /// <param name="isWhole">
    /// Whether it must name a model (a create), or may be partial (an update with a mask).
    /// </param>
    public static void CheckSpec(this Faults faults, LaunchSpec? spec, bool isWhole)
    {
        if (spec is null)
        {
            faults.Add("spec", "Is required.");
            return;
        }

        faults.Text("spec.model", spec.Model, Grammar.IsModelName, Grammar.ModelName, isWhole);
        faults.Text("spec.weight_format", spec.WeightFormat, Grammar.IsFormat, SpecSyntax.Format);
        faults.Text("spec.kv_format", spec.KvFormat, SpecSyntax.IsKvFormat, SpecSyntax.KvFormat);
        faults.Text("spec.runtime", spec.Runtime, Grammar.IsPreset, SpecSyntax.Runtime);
        if (spec.HasContextTokens)
        {
            faults.Range("spec.context_tokens", spec.ContextTokens, 1, SpecLimits.LargestContextTokens, "tokens");
        }

        if (spec.HasParallelSequences)
        {
            faults.Range("spec.parallel_sequences", spec.ParallelSequences, 1, SpecLimits.MostSequences);
        }

        if (spec.HasSequencesAtOnce)
        {
            faults.Range("spec.sequences_at_once", spec.SequencesAtOnce, 1, SpecLimits.MostSequences);
        }

        faults.List("spec.runtime_arguments", spec.RuntimeArguments, SpecSyntax.IsArgument, SpecSyntax.Argument);
        faults.CheckDuration(
            "spec.allocation_timeout",
            spec.AllocationTimeout,
            SpecLimits.ShortestWait,
            SpecLimits.LongestWait
        );
        faults.CheckDuration("spec.start_timeout", spec.StartTimeout, SpecLimits.ShortestWait, SpecLimits.LongestWait);
        faults.CheckDuration(
            "spec.wait_for_capacity",
            spec.WaitForCapacity,
            TimeSpan.Zero,
            SpecLimits.LongestWaitForCapacity
        );
        faults.Text("spec.image", spec.Image, ImageReference.IsReference, ImageReference.Accepted);
        faults.CheckEnvironment(spec.Env);
        if (spec.Constraints is { } constraints)
        {
            faults.CheckConstraints(constraints);
        }
    }

    /// <summary>Faults name the variable and never a value.</summary>
    private static void CheckEnvironment(this Faults faults, MapField<string, EnvValue> env)
    {
        if (env.Count > SpecLimits.LongestList)
        {
            faults.Add("spec.env", $"Must have at most {SpecLimits.LongestList} variables.");
            return;
        }

        foreach (var (name, value) in env)
        {
            if (!VariableNames.IsName(name))
            {
                faults.Add("spec.env", $"Each name must be {VariableNames.Accepted}.");
                continue;
            }

            var field = $"spec.env[{name}]";
            if (FaultOf(value) is var (member, fault))
            {
                faults.Add($"{field}{member}", fault);
            }
        }
    }

    private static (string Member, string Fault)? FaultOf(EnvValue value) =>
        value.KindCase switch
        {
            EnvValue.KindOneofCase.Secret => SecretValidation.IsName(value.Secret)
                ? null
                : (".secret", $"Must be {SecretValidation.Name}."),
            EnvValue.KindOneofCase.Value => value.Value.Length <= SpecLimits.LongestVariable
            && !value.Value.Contains('\0', StringComparison.Ordinal)
                ? null
                : (".value", $"Must be at most {SpecLimits.LongestVariable} characters without NUL."),
            EnvValue.KindOneofCase.None => ("", "Must have `value` or `secret`."),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    private static void CheckConstraints(this Faults faults, SmartConstraints constraints)
    {
        const string at = "spec.constraints";
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

        faults.Text($"{at}.gpu_type", constraints.GpuType, Grammar.IsWord, SpecSyntax.Word);
        faults.List($"{at}.regions", constraints.Regions, Grammar.IsWord, SpecSyntax.Word);
        faults.List($"{at}.providers", constraints.Providers, Grammar.IsProviderId, SpecSyntax.Provider);
        faults.List($"{at}.gpu_preferences", constraints.GpuPreferences, Grammar.IsWord, SpecSyntax.Word);
        faults.List(
            $"{at}.provider_preferences",
            constraints.ProviderPreferences,
            Grammar.IsProviderId,
            SpecSyntax.Provider
        );
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

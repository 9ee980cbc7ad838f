using System.Collections.Frozen;
using System.Collections.Immutable;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Runtimes.Engines;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Runtimes;

/// <summary>The presets that any provider can start, and what a launch spec means for them.</summary>
public sealed class RuntimeCatalogue
{
    private readonly FrozenDictionary<string, RuntimePreset> _presets;
    private readonly ImmutableArray<string> _providerOptions;
    private readonly RuntimeOptions _options;

    /// <param name="presets">Of all providers. Of equal names the first that is not built in counts.</param>
    /// <param name="providerOptions">Options that providers read themselves.</param>
    public RuntimeCatalogue(
        IEnumerable<RuntimePreset> presets,
        IEnumerable<string> providerOptions,
        RuntimeOptions options
    )
    {
        _options = options;
        _providerOptions = [.. providerOptions];
        _presets = presets
            .Concat(RuntimePresets.BuiltIn.Values)
            .GroupBy(preset => preset.Name, StringComparer.Ordinal)
            .ToFrozenDictionary(
                group => group.Key,
                group =>
                    group.FirstOrDefault(preset => preset != RuntimePresets.BuiltIn.GetValueOrDefault(preset.Name))
                    ?? group.First(),
                StringComparer.Ordinal
            );
    }

    public IEnumerable<string> Names => _presets.Keys;

    /// <summary>What a launch of a model asks of its engine, with what its runtime arguments state.</summary>
    public LaunchPlan PlanOf(LaunchSpec spec, ModelFacts facts) => ArgumentsOf(spec, facts).Plan;

    /// <summary>The runtime arguments of a spec, read by the table of its engine.</summary>
    public CallerArguments ArgumentsOf(LaunchSpec spec, ModelFacts facts) =>
        CallerArguments.Read(
            EngineOf(spec),
            StatedBy(spec, facts),
            spec.RuntimeArguments,
            Permitted,
            spec.Constraints.GpuCount is not null
        );

    /// <summary>
    /// The spec without arguments that repeat one of its fields. They would contradict it as soon as the field changes.
    /// </summary>
    public LaunchSpec WithoutRepeats(LaunchSpec spec, ModelFacts facts)
    {
        var needed = ArgumentsOf(spec, facts).Needed;
        return needed.Length == spec.RuntimeArguments.Length ? spec : spec with { RuntimeArguments = needed };
    }

    /// <summary>What of a spec its runtime cannot do or a caller may not ask for.</summary>
    /// <param name="source">What the runtime loads.</param>
    /// <returns>By field path of the API; empty when all is right. A preset that is not known has no faults here.</returns>
    public ImmutableArray<(string Field, string Description)> Faults(LaunchSpec spec, ModelFacts facts, string source)
    {
        if (!_presets.TryGetValue(spec.Runtime, out var preset))
        {
            return [];
        }

        var faults = ImmutableArray.CreateBuilder<(string, string)>();
        var read = ArgumentsOf(spec, facts);
        var from = ModelSource.Of(source);
        if (_options.FaultOf(from) is { } forbidden)
        {
            faults.Add(("spec.model", $"Its source `{OutputLines.Clean(source)}` is not permitted. {forbidden}"));
        }
        else if (from.Revision is not null && preset.Engine is { HasRevisions: false } without)
        {
            faults.Add(("spec.runtime", $"{without.Name} cannot load a revision; name the model's source without it."));
        }

        foreach (var (name, _) in spec.Variables)
        {
            if (_options.FaultOfVariable(name) is { } reserved)
            {
                faults.Add(($"spec.env[{name}]", reserved));
            }
        }

        if (spec.Image is { } image && _options.FaultOfImage(image, preset.Image) is { } notAllowed)
        {
            faults.Add(("spec.image", notAllowed));
        }

        if (preset.FaultOf(read.Plan, facts) is var (field, fault))
        {
            faults.Add(($"spec.{field}", fault));
        }

        foreach (var (index, what) in read.Faults)
        {
            faults.Add(
                (
                    string.Create(
                        System.Globalization.CultureInfo.InvariantCulture,
                        $"spec.runtime_arguments[{index}]"
                    ),
                    what
                )
            );
        }

        if (!read.Rest.IsEmpty && !preset.TakesArguments)
        {
            faults.Add(("spec.runtime_arguments", $"The preset `{preset.Name}` takes none: it has no {{arguments}}."));
        }

        return faults.ToImmutable();
    }

    private RuntimeOptions Permitted => new() { AllowedOptions = [.. _options.AllowedOptions, .. _providerOptions] };

    private Engine? EngineOf(LaunchSpec spec) => _presets.GetValueOrDefault(spec.Runtime)?.Engine;

    private LaunchPlan StatedBy(LaunchSpec spec, ModelFacts facts)
    {
        FormatNames.TryWeight(spec.WeightFormat, out var format);
        FormatNames.TryKv(spec.KvFormat, facts.PublishedKvFormat, out var kv);
        var engine = EngineOf(spec);
        var plan = new LaunchPlan(
            // A format that is asked for and published is loaded as it is.
            format == facts.NativeFormat
                ? null
                : format,
            kv,
            spec.ContextTokens,
            spec.ParallelSequences,
            engine?.Name ?? spec.Runtime
        )
        {
            // An engine whose default is lower than the guaranteed sequences must be told.
            SequencesAtOnce =
                spec.SequencesAtOnce
                ?? (engine?.DefaultAtOnce < spec.ParallelSequences ? spec.ParallelSequences : null),
        };
        return spec.Constraints.GpuCount is { } gpus ? plan.On(gpus) : plan;
    }
}

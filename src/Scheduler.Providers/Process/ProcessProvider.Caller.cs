using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Runtimes.Engines;
using Scheduler.ModelFit;

namespace Scheduler.Providers.Process;

/// <summary>What an account may ask of a program of this host, and what it gets.</summary>
internal sealed partial class ProcessProvider
{
    /// <summary>
    /// What a caller may not pass to a program of this host; null when all is permitted. The launch checks refuse it before,
    /// but a spec may be older than they are, and they permit what other providers read.
    /// </summary>
    private string? NotPermitted(AllocationRequest request, RuntimePreset preset)
    {
        var runtime = request.Runtime;
        if (runtime.Image is not null)
        {
            return $"the provider '{_options.Id}' runs programs of this host and starts no image; leave spec.image out";
        }

        if (
            request.Environment.Keys.Select(_runtimes.FaultOfVariable).OfType<string>().FirstOrDefault() is { } reserved
        )
        {
            return reserved;
        }

        var plan =
            runtime.Plan ?? new LaunchPlan(null, KvFormat.Bf16, runtime.ContextTokens, runtime.ParallelSequences, "");
        var read = CallerArguments.Read(preset.Engine, plan, runtime.ExtraArguments, _runtimes);
        return read.Faults.Select(fault => fault.Fault).FirstOrDefault()
            ?? (
                _runtimes.FaultOf(ModelSource.Of(runtime.Model)) is { } fault
                    ? $"the model source '{OutputLines.Clean(runtime.Model)}' is not permitted: {fault}"
                    : null
            );
    }

    /// <summary>The variables of one runtime: those of its account, and its key if its engine takes one.</summary>
    private static Dictionary<string, string> OwnVariables(AllocationRequest request, RuntimePreset preset)
    {
        var own = new Dictionary<string, string>(request.Environment, StringComparer.Ordinal);
        if (request.RuntimeKey is { } key && preset.KeyVariable is { } name)
        {
            own[name] = key.Value;
        }

        return own;
    }
}

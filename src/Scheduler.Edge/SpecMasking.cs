using System.Collections.Immutable;
using Scheduler.Domain.Instances;

namespace Scheduler.Edge;

/// <summary>Launch specs for viewers, lists and support bundles.</summary>
internal static class SpecMasking
{
    /// <summary>Masks runtime arguments and variables that look like secrets. Names of secrets stay: they open nothing.</summary>
    public static LaunchSpec Masked(this LaunchSpec spec) =>
        spec with
        {
            RuntimeArguments = Masking.Arguments(spec.RuntimeArguments),
            Environment = spec.Environment?.ToImmutableSortedDictionary(
                variable => variable.Key,
                variable =>
                    variable.Value.Value is { } text
                        ? variable.Value with
                        {
                            Value = Masking.IsSecret(variable.Key) ? Masking.Masked : Masking.Text(text),
                        }
                        : variable.Value,
                StringComparer.Ordinal
            ),
        };
}

using Scheduler.Domain.Runtimes.Engines;
using Scheduler.Domain.Settings;

namespace Scheduler.Domain.Runtimes;

/// <summary>What an operator permits callers to do with runtimes; configuration section <c>Runtimes</c>.</summary>
public sealed class RuntimeOptions : ICheckedSettings
{
    public const string Section = "Runtimes";

    /// <summary>Means every option that the scheduler does not know.</summary>
    public const string AnyUnknown = "*";

    /// <summary>
    /// Options of engines that callers may pass in <c>runtime_arguments</c> besides those that are always permitted, for
    /// example <c>--trust-remote-code</c>; <c>*</c> for every option that the scheduler does not know.
    /// </summary>
    /// <value>None.</value>
    public IList<string> AllowedOptions { get; set; } = [];

    /// <summary>Absolute directories. Callers may name paths below them as the source of a model.</summary>
    /// <value>None: models come from the hub.</value>
    public IList<string> ModelDirectories { get; set; } = [];

    /// <summary>Whether a caller may pass an option that is not permitted otherwise.</summary>
    /// <param name="name">Any spelling.</param>
    public bool Permits(string name, bool isKnown)
    {
        var spelled = OptionName.Canonical(name);
        foreach (var allowed in AllowedOptions)
        {
            if (allowed == AnyUnknown ? !isKnown : OptionName.Canonical(allowed) == spelled)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Why a caller may not name this source; null when it may.</summary>
    public string? FaultOf(ModelSource source) =>
        !source.IsPath
            ? source.IsHubId
                ? null
                : $"Must be {ModelSource.Accepted}."
            : ModelDirectories.Any(source.IsBelow)
                ? null
                : ModelDirectories.Count == 0
                    ? "Must be a hub id: the operator permits no paths (Runtimes:ModelDirectories)."
                    : $"Must be a hub id, or a path below {string.Join(", ", ModelDirectories)}.";

    public IEnumerable<SettingFault> Check(string section)
    {
        foreach (var (index, option) in AllowedOptions.Index())
        {
            if (option != AnyUnknown && !OptionName.IsOption(option))
            {
                yield return new SettingFault(
                    $"{section}:{nameof(AllowedOptions)}:{index}",
                    option,
                    "the name of an option with its dashes, or *"
                );
            }
        }

        foreach (var (index, directory) in ModelDirectories.Index())
        {
            if (!directory.StartsWith('/'))
            {
                yield return new SettingFault(
                    $"{section}:{nameof(ModelDirectories)}:{index}",
                    directory,
                    "an absolute path of a directory"
                );
            }
        }
    }
}

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

    /// <summary>
    /// Container images that callers may name besides the engine's own. An entry is a repository with all its tags, a prefix that ends with
    /// <c>/</c>, or one image with its tag or digest; <c>*</c> is every image.
    /// </summary>
    /// <value>None: only the engine's own image.</value>
    public IList<string> AllowedImages { get; set; } = [];

    /// <summary>
    /// Environment variables that callers may set although the scheduler reserves them, for example <c>VLLM_ATTENTION_BACKEND</c>.
    /// A <c>*</c> at the end is any rest.
    /// </summary>
    /// <value>None.</value>
    public IList<string> AllowedVariables { get; set; } = [];

    /// <summary>Why a caller may not set this variable; null when it may.</summary>
    public string? FaultOfVariable(string name)
    {
        if (!VariableNames.IsName(name))
        {
            return $"The name must be {VariableNames.Accepted}.";
        }

        if (!VariableNames.IsReserved(name))
        {
            return null;
        }

        var isOwn = name.StartsWith(VariableNames.OwnPrefix, StringComparison.OrdinalIgnoreCase);
        return
            !isOwn
            && AllowedVariables.Any(allowed =>
                allowed.EndsWith(AnyUnknown, StringComparison.Ordinal)
                    ? name.StartsWith(allowed[..^1], StringComparison.Ordinal)
                    : name == allowed
            )
            ? null
            : $"The scheduler, the loader or the engine decides `{name}`"
                + (isOwn ? "." : "; the operator can permit it (Runtimes:AllowedVariables).");
    }

    /// <summary>Why a caller may not name this image; null when it may.</summary>
    /// <param name="own">The engine's own image; null when it has none.</param>
    public string? FaultOfImage(string image, string? own)
    {
        if (!ImageReference.IsReference(image))
        {
            return $"Must be {ImageReference.Accepted}.";
        }

        if (image == own || AllowedImages.Any(entry => entry == AnyUnknown || ImageReference.Covers(entry, image)))
        {
            return null;
        }

        IEnumerable<string> permitted = own is null ? AllowedImages : [own, .. AllowedImages];
        return $"`{image}` is not permitted; the policy of the operator (Runtimes:AllowedImages) permits "
            + (permitted.Any() ? $"{string.Join(", ", permitted)}." : "no image for this runtime.");
    }

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

        foreach (var (index, image) in AllowedImages.Index())
        {
            if (image != AnyUnknown && !ImageReference.IsReference(image.TrimEnd('/')))
            {
                yield return new SettingFault(
                    $"{section}:{nameof(AllowedImages)}:{index}",
                    image,
                    $"{ImageReference.Accepted}; a prefix that ends with /; or *"
                );
            }
        }

        foreach (var (index, variable) in AllowedVariables.Index())
        {
            if (!VariableNames.IsName(variable.TrimEnd('*')))
            {
                yield return new SettingFault(
                    $"{section}:{nameof(AllowedVariables)}:{index}",
                    variable,
                    $"{VariableNames.Accepted}; the last character may be *"
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

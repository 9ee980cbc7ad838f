using System.Collections;
using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Scheduler.Providers;

/// <summary>What is wrong with one setting: its full path, the value seen, and what is accepted.</summary>
/// <param name="Path">For example <c>Providers:Simulated:Seed</c>.</param>
/// <param name="Seen">The value found, or a word for what was found instead of one.</param>
/// <param name="Accepted">What would have been right.</param>
public sealed record SettingFault(string Path, string Seen, string Accepted)
{
    /// <summary>One line for the operator.</summary>
    public override string ToString() => $"{Path} is '{Seen}'; accepted: {Accepted}";

    internal static ValidateOptionsResult Result(IReadOnlyCollection<SettingFault> faults) =>
        faults.Count == 0
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail(faults.Select(fault => fault.ToString()));

    /// <summary>Settings in a section that the options type has no property for: a misspelt setting must not look like a set one.</summary>
    /// <param name="section">The section as configured.</param>
    /// <param name="options">The type it is read into.</param>
    public static IEnumerable<SettingFault> Unknown(IConfigurationSection section, Type options)
    {
        ArgumentNullException.ThrowIfNull(section);
        ArgumentNullException.ThrowIfNull(options);
        return UnknownIn(section, options);
    }

    private static IEnumerable<SettingFault> UnknownIn(IConfigurationSection section, Type options)
    {
        if (IsLeaf(options))
        {
            yield break;
        }

        var item = ItemOf(options);
        var properties = options.GetProperties(BindingFlags.Public | BindingFlags.Instance);
        foreach (var child in section.GetChildren())
        {
            var property = item is null
                ? Array.Find(properties, p => string.Equals(p.Name, child.Key, StringComparison.OrdinalIgnoreCase))
                : null;
            if (item is null && property is null)
            {
                yield return new SettingFault(
                    child.Path,
                    child.Value ?? "a section",
                    "no such setting; known here: "
                        + string.Join(", ", properties.Select(p => p.Name).Order(StringComparer.Ordinal))
                );
                continue;
            }

            foreach (var deeper in UnknownIn(child, item ?? property!.PropertyType))
            {
                yield return deeper;
            }
        }
    }

    private static bool IsLeaf(Type type) =>
        Nullable.GetUnderlyingType(type) is not null || type.IsValueType || type == typeof(string);

    /// <summary>What a list or a dictionary holds; null for anything else.</summary>
    private static Type? ItemOf(Type type) =>
        typeof(IEnumerable).IsAssignableFrom(type) && type.IsGenericType ? type.GetGenericArguments()[^1] : null;
}

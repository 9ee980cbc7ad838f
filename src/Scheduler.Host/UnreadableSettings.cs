using System.Collections;
using System.ComponentModel;
using System.Reflection;
using Scheduler.Domain.Settings;

namespace Scheduler.Host;

/// <summary>Settings that the configuration binder would ignore or fail on.</summary>
internal static class UnreadableSettings
{
    /// <summary>
    /// Finds settings without a property in the options type, because the binder would ignore a misspelt setting.
    /// Also finds values that cannot be converted to the property's type.
    /// </summary>
    /// <param name="options">Type that the section is bound to.</param>
    public static IEnumerable<SettingFault> In(IConfigurationSection section, Type options)
    {
        if (IsLeaf(options))
        {
            if (section.Value is null ? section.GetChildren().Any() : !CanRead(section.Value, options))
            {
                yield return new SettingFault(section.Path, section.Value ?? "a section", WordsFor(options));
            }

            yield break;
        }

        if (!string.IsNullOrEmpty(section.Value))
        {
            yield return new SettingFault(
                section.Path,
                section.Value,
                ItemOf(options) is null ? "a section of settings" : "a list or a section"
            );
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

            foreach (var deeper in In(child, item ?? property!.PropertyType))
            {
                yield return deeper;
            }
        }
    }

    private static bool IsLeaf(Type type) =>
        Nullable.GetUnderlyingType(type) is not null || type.IsValueType || type == typeof(string);

    /// <summary>Whether the binder can convert a text; uses the same converters as the binder.</summary>
    private static bool CanRead(string text, Type type)
    {
        var target = Nullable.GetUnderlyingType(type) ?? type;
        if (text.Length == 0)
        {
            return target != type || type == typeof(string);
        }

        try
        {
            return TypeDescriptor.GetConverter(target).ConvertFromInvariantString(text) is not null;
        }
#pragma warning disable CA1031 // Converters throw many types; every exception means that the text is invalid.
        catch (Exception)
#pragma warning restore CA1031
        {
            return false;
        }
    }

    private static string WordsFor(Type type)
    {
        var target = Nullable.GetUnderlyingType(type) ?? type;
        return target.IsEnum ? string.Join(", ", Enum.GetNames(target))
            : target == typeof(bool) ? "true or false"
            : target == typeof(TimeSpan) ? "a duration such as 00:01:30"
            : target == typeof(string) ? "a text"
            : target == typeof(decimal) || target == typeof(double) ? "a number such as 1.50"
            : $"a whole number from {Bound(target, "MinValue")} to {Bound(target, "MaxValue")}";
    }

    private static object? Bound(Type type, string name) => type.GetField(name)?.GetValue(null);

    /// <summary>Element or value type of a list or dictionary; null for any other type.</summary>
    private static Type? ItemOf(Type type) =>
        typeof(IEnumerable).IsAssignableFrom(type) && type.IsGenericType ? type.GetGenericArguments()[^1] : null;
}

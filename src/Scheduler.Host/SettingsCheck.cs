using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using Scheduler.Domain.Settings;

namespace Scheduler.Host;

/// <summary>Checks bound settings by the validation attributes of their properties and by their own rules.</summary>
internal static class SettingsCheck
{
    /// <summary>All validation errors of a section and of the sections, lists and dictionaries in it.</summary>
    public static IEnumerable<SettingFault> Of(string path, object? value) =>
        value switch
        {
            null or string or ValueType => [],
            IDictionary items => items.Keys.Cast<object>().SelectMany(key => Of($"{path}:{key}", items[key])),
            IEnumerable items => items.Cast<object?>().SelectMany((item, index) => Of($"{path}:{index}", item)),
            _ => OfSection(path, value),
        };

    private static IEnumerable<SettingFault> OfSection(string section, object options) =>
        options
            .GetType()
            .GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.CanWrite)
            .SelectMany(property => OfProperty($"{section}:{property.Name}", property, property.GetValue(options)))
            .Concat((options as ICheckedSettings)?.Check(section) ?? []);

    private static IEnumerable<SettingFault> OfProperty(string path, PropertyInfo property, object? value)
    {
        foreach (var rule in property.GetCustomAttributes<ValidationAttribute>())
        {
            // Read before the check, which converts the bounds of a range.
            var accepted = Accepted(rule);
            if (!rule.IsValid(value))
            {
                yield return new SettingFault(path, value, accepted);
            }
        }

        foreach (var fault in Of(path, value))
        {
            yield return fault;
        }
    }

    private static string Accepted(ValidationAttribute rule) =>
        rule switch
        {
            AllowedValuesAttribute allowed => string.Join(", ", allowed.Values),
            { ErrorMessage: { } words } => words,
            RangeAttribute { MinimumIsExclusive: true } range => Text($"above {range.Minimum}, to {range.Maximum}"),
            RangeAttribute range => Text($"{range.Minimum} to {range.Maximum}"),
            _ => throw new InvalidOperationException($"{rule.GetType().Name} needs an ErrorMessage."),
        };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

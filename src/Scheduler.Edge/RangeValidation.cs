using System.ComponentModel.DataAnnotations;
using System.Reflection;

namespace Scheduler.Edge;

/// <summary>Validation of settings by their <see cref="RangeAttribute"/>.</summary>
internal static class RangeValidation
{
    /// <summary>
    /// All validation errors, each with the setting's full path, the actual value and the accepted values.
    /// </summary>
    public static IEnumerable<string> Of(string section, object options) =>
        from property in options.GetType().GetProperties()
        let range = property.GetCustomAttribute<RangeAttribute>()
        let value = property.GetValue(options)
        where range is not null && !range.IsValid(value)
        select $"{section}:{property.Name} is '{value}'; accepted: {range.Minimum} to {range.Maximum}";
}

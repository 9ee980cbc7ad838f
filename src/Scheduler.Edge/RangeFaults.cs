using System.ComponentModel.DataAnnotations;
using System.Reflection;

namespace Scheduler.Edge;

/// <summary>What is out of range in a door's settings.</summary>
internal static class RangeFaults
{
    /// <summary>Every fault, with the setting's full path, the value seen and what is accepted.</summary>
    /// <param name="section">Where the settings lie.</param>
    /// <param name="options">The settings, their ranges said by <see cref="RangeAttribute"/>.</param>
    public static IEnumerable<string> Of(string section, object options) =>
        from property in options.GetType().GetProperties()
        let range = property.GetCustomAttribute<RangeAttribute>()
        let value = property.GetValue(options)
        where range is not null && !range.IsValid(value)
        select $"{section}:{property.Name} is '{value}'; accepted: {range.Minimum} to {range.Maximum}";
}

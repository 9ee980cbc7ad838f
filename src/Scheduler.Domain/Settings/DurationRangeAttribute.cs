using System.ComponentModel.DataAnnotations;

namespace Scheduler.Domain.Settings;

/// <summary>Range of a <see cref="TimeSpan"/>; the bounds are texts such as <c>00:01:30</c>.</summary>
public sealed class DurationRangeAttribute : RangeAttribute
{
    public DurationRangeAttribute(string minimum, string maximum)
        : base(typeof(TimeSpan), minimum, maximum) => ParseLimitsInInvariantCulture = true;
}

using System.Globalization;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Billing;

namespace Scheduler.Dashboard.Instances;

/// <summary>
/// Formats failure details for display. The suffix of a name gives the stored unit; <c>_per_gpu</c> may
/// follow it.
/// </summary>
internal static class FactWords
{
    private const string PerGpu = "_per_gpu";
    private const string PerHour = "_per_hour_micro_eur";

    public static string Value(string name, string value)
    {
        if (!long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            return value;
        }

        return name.EndsWith(PerGpu, StringComparison.Ordinal)
            ? (Text(name[..^PerGpu.Length], number) is { } each ? $"{each} per GPU" : value)
            : Text(name, number) ?? value;
    }

    /// <summary>
    /// The number with the unit of its name; null without a known unit, or if a duration is too large for
    /// <see cref="TimeSpan"/>.
    /// </summary>
    private static string? Text(string name, long number)
    {
        return Is(PerHour) ? Units.Euros(new MicroEuro(number)) + " EUR/h"
            : Is("_micro_eur") ? Units.Euros(new MicroEuro(number)) + " EUR"
            : Is("_bytes") ? Units.Gib(number)
            : Is("_tokens") ? Units.Count(number) + " tokens"
            : Is("_seconds") ? Time(TimeSpan.TicksPerSecond)
            : Is("_ms") ? Time(TimeSpan.TicksPerMillisecond)
            : null;

        bool Is(string unit) => name.EndsWith(unit, StringComparison.Ordinal);

        string? Time(long ticks) =>
            Math.Abs((decimal)number) <= long.MaxValue / ticks ? Units.Duration(new TimeSpan(number * ticks)) : null;
    }
}

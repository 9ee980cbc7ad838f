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

    /// <summary>Suffixes of names, each the unit in which the value is stored.</summary>
    private static readonly string[] Suffixes = [PerHour, "_micro_eur", "_bytes", "_tokens", "_seconds", "_ms"];

    public static string Value(string name, string value) => Converted(name, value) ?? value;

    /// <summary>
    /// The name without the unit in which the value is stored, for a value that is shown in another unit; otherwise null.
    /// </summary>
    public static string? Name(string name, string value)
    {
        if (Converted(name, value) is null)
        {
            return null;
        }

        var plain = name.EndsWith(PerGpu, StringComparison.Ordinal) ? name[..^PerGpu.Length] : name;
        var unit = Suffixes.First(unit => plain.EndsWith(unit, StringComparison.Ordinal));
        return plain[..^unit.Length].Replace('_', ' ');
    }

    private static string? Converted(string name, string value)
    {
        if (!long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            return null;
        }

        return name.EndsWith(PerGpu, StringComparison.Ordinal)
            ? (Text(name[..^PerGpu.Length], number) is { } each ? $"{each} per GPU" : null)
            : Text(name, number);
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

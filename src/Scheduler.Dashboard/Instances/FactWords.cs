using System.Globalization;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Billing;

namespace Scheduler.Dashboard.Instances;

/// <summary>Facts of a failure in people's units: their names say in which they are kept, and at the end what they are counted by.</summary>
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

    /// <summary>A number in the unit of its name; null where the name has none, or where no clock goes so far.</summary>
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

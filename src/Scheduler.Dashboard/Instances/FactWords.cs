using System.Globalization;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Billing;

namespace Scheduler.Dashboard.Instances;

/// <summary>Facts of a failure in people's units: their names say in which they are kept.</summary>
internal static class FactWords
{
    public static string Value(string name, string value)
    {
        if (!long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            return value;
        }

        return name switch
        {
            _ when name.EndsWith("_per_hour_micro_eur", StringComparison.Ordinal) => Units.Euros(new MicroEuro(number))
                + " EUR/h",
            _ when name.EndsWith("_micro_eur", StringComparison.Ordinal) => Units.Euros(new MicroEuro(number)) + " EUR",
            _ when name.EndsWith("_bytes", StringComparison.Ordinal) => Units.Gib(number),
            _ when name.EndsWith("_tokens", StringComparison.Ordinal) => Units.Count(number) + " tokens",
            _ when name.EndsWith("_seconds", StringComparison.Ordinal) => Units.Duration(TimeSpan.FromSeconds(number)),
            _ when name.EndsWith("_ms", StringComparison.Ordinal) => Units.Duration(TimeSpan.FromMilliseconds(number)),
            _ => value,
        };
    }
}

using System.Globalization;
using Scheduler.Domain.Billing;

namespace Scheduler.Dashboard.Shell;

/// <summary>Formats numbers with their units.</summary>
internal static class Units
{
    private const double BytesPerGib = 1024.0 * 1024 * 1024;

    /// <summary>
    /// EUR with two decimals, more where the amount is small: <c>1,204.50</c>, <c>0.0042</c>; only zero is <c>0.00</c>.
    /// </summary>
    public static string Euros(MicroEuro amount)
    {
        var euros = amount.Value / (decimal)MicroEuro.PerEuro;
        var format = Math.Abs(euros) switch
        {
            < 0.01m => "0.00####",
            < 1 => "0.00##",
            _ => "#,0.00",
        };
        return euros.ToString(format, CultureInfo.InvariantCulture);
    }

    /// <summary>GiB with one decimal.</summary>
    public static string Gib(long bytes) =>
        (bytes / BytesPerGib).ToString("#,0.0", CultureInfo.InvariantCulture) + " GiB";

    /// <summary>A whole number with thousands separators.</summary>
    public static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A share from 0 to 1 as a percentage.</summary>
    public static string Percent(double share) => (share * 100).ToString("0.#", CultureInfo.InvariantCulture) + " %";

    /// <summary>A length of time in its two largest units: <c>2 d 4 h</c>, <c>3 min 20 s</c>, <c>0.3 s</c>.</summary>
    public static string Duration(TimeSpan time)
    {
        // TimeSpan.MinValue has no positive counterpart, so Duration() would throw.
        var value = time == TimeSpan.MinValue ? TimeSpan.MaxValue : time.Duration();
        var text = value switch
        {
            { TotalDays: >= 1 } => Two(value.Days, "d", value.Hours, "h"),
            { TotalHours: >= 1 } => Two(value.Hours, "h", value.Minutes, "min"),
            { TotalMinutes: >= 1 } => Two(value.Minutes, "min", value.Seconds, "s"),
            { TotalSeconds: >= 10 } => string.Create(CultureInfo.InvariantCulture, $"{value.TotalSeconds:0} s"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{value.TotalSeconds:0.0##} s"),
        };
        return time < TimeSpan.Zero ? $"−{text}" : text;
    }

    private static string Two(int large, string largeUnit, int small, string smallUnit) =>
        small == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{large} {largeUnit}")
            : string.Create(CultureInfo.InvariantCulture, $"{large} {largeUnit} {small} {smallUnit}");
}

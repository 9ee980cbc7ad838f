using System.Globalization;

namespace Scheduler.Domain.Settings;

/// <summary>A setting that prevents the start.</summary>
/// <param name="Path">Full path, for example <c>Providers:Simulated:Seed</c>.</param>
/// <param name="Seen">Configured value, or a description if it is a section or may contain a secret.</param>
/// <param name="Given">What the accepted values depend on, for example <c>with Storage:PostgreSql</c>.</param>
public sealed record SettingFault(string Path, object? Seen, string Accepted, string? Given = null)
{
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Path} is '{Seen}'; accepted{(Given is null ? "" : " ")}{Given}: {Accepted}"
        );
}

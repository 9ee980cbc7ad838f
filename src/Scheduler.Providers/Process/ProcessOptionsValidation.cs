using System.Globalization;
using System.Net;
using Microsoft.Extensions.Options;

namespace Scheduler.Providers.Process;

internal sealed class ProcessOptionsValidation : IValidateOptions<ProcessOptions>
{
    public ValidateOptionsResult Validate(string? name, ProcessOptions options)
    {
        return options.Enabled
            ? SettingFault.Result([
                .. Faults(options),
                .. CpuFaults(options),
                .. DurationFaults(options),
                .. PresetFaults(options),
            ])
            : ValidateOptionsResult.Success;
    }

    private static IEnumerable<SettingFault> Faults(ProcessOptions options)
    {
        (bool IsRight, string Setting, object? Seen, string Accepted)[] checks =
        [
            (OperatingSystem.IsLinux(), nameof(options.Enabled), true, "false on systems other than Linux"),
            (
                options.Id.Length is > 0 and <= 63
                    && options.Id.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'),
                nameof(options.Id),
                options.Id,
                "1 to 63 of a-z, 0-9 and '-'"
            ),
            (options.Region.Length is > 0 and <= 63, nameof(options.Region), options.Region, "1 to 63 characters"),
            (
                !string.IsNullOrWhiteSpace(options.StateDirectory),
                nameof(options.StateDirectory),
                options.StateDirectory,
                "a directory path"
            ),
            (IsPrice(options.PricePerGpuHour), nameof(options.PricePerGpuHour), options.PricePerGpuHour, PriceWords),
            (
                options.MinFreeMemory is >= 0 and <= 1,
                nameof(options.MinFreeMemory),
                options.MinFreeMemory,
                "a share from 0 to 1"
            ),
            (IPAddress.TryParse(options.Host, out _), nameof(options.Host), options.Host, "an IP address of this host"),
            (options.FirstPort is >= 1024 and <= 65_535, nameof(options.FirstPort), options.FirstPort, "1024 to 65535"),
            (
                options.LastPort >= options.FirstPort && options.LastPort <= 65_535,
                nameof(options.LastPort),
                options.LastPort,
                "FirstPort to 65535"
            ),
            (
                options.UnhealthyAfterProbes is >= 1 and <= 1_000,
                nameof(options.UnhealthyAfterProbes),
                options.UnhealthyAfterProbes,
                "1 to 1000"
            ),
            (
                options.MaxOutputBytes is >= 64 << 10 and <= 1L << 40,
                nameof(options.MaxOutputBytes),
                options.MaxOutputBytes,
                "65536 to 1099511627776"
            ),
        ];
        return checks.Where(check => !check.IsRight).Select(check => Wrong(check.Setting, check.Seen, check.Accepted));
    }

    private static IEnumerable<SettingFault> CpuFaults(ProcessOptions options)
    {
        (bool IsRight, string Setting, object? Seen, string Accepted)[] checks =
        [
            (
                options.Cpu.Available is >= 1 and <= 1_000,
                "Cpu:" + nameof(options.Cpu.Available),
                options.Cpu.Available,
                "1 to 1000"
            ),
            (
                IsPrice(options.Cpu.PricePerHour),
                "Cpu:" + nameof(options.Cpu.PricePerHour),
                options.Cpu.PricePerHour,
                PriceWords
            ),
            (
                !string.IsNullOrWhiteSpace(options.Cpu.GpuType),
                "Cpu:" + nameof(options.Cpu.GpuType),
                options.Cpu.GpuType,
                "a GPU type of the catalogue"
            ),
        ];
        return checks.Where(check => !check.IsRight).Select(check => Wrong(check.Setting, check.Seen, check.Accepted));
    }

    private static IEnumerable<SettingFault> DurationFaults(ProcessOptions options)
    {
        (string Setting, TimeSpan Value)[] durations =
        [
            (nameof(options.DiscoverEvery), options.DiscoverEvery),
            (nameof(options.StopGrace), options.StopGrace),
            (nameof(options.ProbeEvery), options.ProbeEvery),
            (nameof(options.ProbeTimeout), options.ProbeTimeout),
            (nameof(options.UnhealthyAfterSilence), options.UnhealthyAfterSilence),
        ];
        return durations
            .Where(d => d.Value < TimeSpan.FromMilliseconds(10) || d.Value > TimeSpan.FromHours(1))
            .Select(d => Wrong(d.Setting, d.Value, "a duration from 00:00:00.010 to 01:00:00"));
    }

    private static IEnumerable<SettingFault> PresetFaults(ProcessOptions options) =>
        options.Presets.SelectMany(preset =>
            preset
                .Value.ToPreset(preset.Key)
                .Faults()
                .Select(fault => Wrong("Presets:" + preset.Key, fault, "see the built-in presets"))
        );

    private const string PriceWords = "0 to 100000 EUR per hour";

    private static bool IsPrice(decimal euros) => euros is >= 0 and <= 100_000;

    private static SettingFault Wrong(string setting, object? seen, string accepted) =>
        new($"{ProcessOptions.Section}:{setting}", string.Create(CultureInfo.InvariantCulture, $"{seen}"), accepted);
}

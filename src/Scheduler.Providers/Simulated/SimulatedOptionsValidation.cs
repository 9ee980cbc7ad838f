using System.Globalization;
using Microsoft.Extensions.Options;

namespace Scheduler.Providers.Simulated;

internal sealed class SimulatedOptionsValidation : IValidateOptions<SimulatedOptions>
{
    private const int MaxGeneratedOffers = 1_000_000;

    public ValidateOptionsResult Validate(string? name, SimulatedOptions options) =>
        SettingFault.Result([.. Faults(options)]);

    private static IEnumerable<SettingFault> Faults(SimulatedOptions options)
    {
        if (options.GeneratedOffers is < 0 or > MaxGeneratedOffers)
        {
            yield return Wrong(nameof(options.GeneratedOffers), options.GeneratedOffers, "0 to 1000000");
        }

        if (options.EurPerUsd is <= 0 or > 100)
        {
            yield return Wrong(nameof(options.EurPerUsd), options.EurPerUsd, "a rate above 0 and up to 100");
        }

        if (options.CapacityPerOffer is < 0)
        {
            yield return Wrong(nameof(options.CapacityPerOffer), options.CapacityPerOffer, "0 or more, or nothing");
        }

        if (options.RuntimePort is < 0 or > 65_535)
        {
            yield return Wrong(nameof(options.RuntimePort), options.RuntimePort, "0 (a free port) to 65535");
        }

        if (options.StatePath is not null && string.IsNullOrWhiteSpace(options.StatePath))
        {
            yield return Wrong(nameof(options.StatePath), options.StatePath, "a file path, or nothing");
        }

        foreach (var fault in VendorFaults(options).Concat(DurationFaults(options)).Concat(RuleFaults(options)))
        {
            yield return fault;
        }
    }

    private static IEnumerable<SettingFault> VendorFaults(SimulatedOptions options)
    {
        if (options.Vendors.Count == 0)
        {
            yield break;
        }

        var known = MarketData.Vendors(options.GeneratedOffers);
        for (var i = 0; i < options.Vendors.Count; i++)
        {
            if (!known.Contains(options.Vendors[i], StringComparer.Ordinal))
            {
                yield return Wrong($"{nameof(options.Vendors)}:{i}", options.Vendors[i], string.Join(", ", known));
            }
        }
    }

    private static IEnumerable<SettingFault> DurationFaults(SimulatedOptions options)
    {
        foreach (
            var (setting, value) in new[]
            {
                (nameof(options.AllocateLatency), options.AllocateLatency),
                (nameof(options.BootTime), options.BootTime),
                (nameof(options.ReleaseTime), options.ReleaseTime),
            }
        )
        {
            if (!IsSensible(value))
            {
                yield return Wrong(setting, value, SensibleWords);
            }
        }
    }

    private static IEnumerable<SettingFault> RuleFaults(SimulatedOptions options)
    {
        for (var i = 0; i < options.Faults.Count; i++)
        {
            var rule = options.Faults[i];
            var path = $"{nameof(options.Faults)}:{i}:";
            if (!(rule.Probability is >= 0 and <= 1))
            {
                yield return Wrong(path + nameof(rule.Probability), rule.Probability, "0 to 1");
            }

            foreach (var (setting, value) in rule.Durations)
            {
                if (value is { } duration && !IsSensible(duration))
                {
                    yield return Wrong(path + setting, duration, SensibleWords);
                }
            }
        }
    }

    private const string SensibleWords = "a duration from 00:00:00 to 365.00:00:00";

    private static bool IsSensible(TimeSpan value) => value >= TimeSpan.Zero && value <= TimeSpan.FromDays(365);

    private static SettingFault Wrong(string setting, object seen, string accepted) =>
        new($"{SimulatedOptions.Section}:{setting}", string.Create(CultureInfo.InvariantCulture, $"{seen}"), accepted);
}

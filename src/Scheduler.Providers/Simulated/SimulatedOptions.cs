using System.ComponentModel.DataAnnotations;
using Scheduler.Domain.Settings;

namespace Scheduler.Providers.Simulated;

/// <summary>Settings under <c>Providers:Simulated</c>.</summary>
internal sealed class SimulatedOptions : ICheckedSettings
{
    internal const string Section = "Providers:Simulated";

    /// <summary>Upper bound of every duration: 365 days.</summary>
    internal const string LongestDuration = "365.00:00:00";

    public bool Enabled { get; set; } = true;

    /// <summary>Vendors to simulate, without <c>sim-</c>; empty means all.</summary>
    public IList<string> Vendors { get; set; } = [];

    /// <summary>Seed of all pseudo-random values.</summary>
    public int Seed { get; set; } = 1;

    /// <summary>Offers to generate instead of reading the embedded data; 0 reads the data. At most 1,000,000.</summary>
    [Range(0, 1_000_000)]
    public int GeneratedOffers { get; set; }

    /// <summary>EUR for one USD; prices are rounded up to the next micro-EUR.</summary>
    [Range(0.0, 100.0, MinimumIsExclusive = true)]
    public decimal EurPerUsd { get; set; } = 0.92m;

    /// <summary>Capacity of each offer; null draws a small number from the seed.</summary>
    [Range(0, int.MaxValue)]
    public int? CapacityPerOffer { get; set; }

    /// <summary>From the request until the capacity is allocated.</summary>
    [DurationRange("0", LongestDuration)]
    public TimeSpan AllocateLatency { get; set; }

    /// <summary>From the allocation until the runtime is healthy.</summary>
    [DurationRange("0", LongestDuration)]
    public TimeSpan BootTime { get; set; }

    /// <summary>From the release request until the capacity is released.</summary>
    [DurationRange("0", LongestDuration)]
    public TimeSpan ReleaseTime { get; set; }

    /// <summary>
    /// Journal file of the simulated cloud, so that allocations survive a restart of this process. Several schedulers
    /// on one host may share it. Null keeps the cloud in memory.
    /// </summary>
    public string? StatePath { get; set; }

    /// <summary>Whether allocations serve the stand-in runtime.</summary>
    public bool ServeRuntime { get; set; } = true;

    /// <summary>
    /// Loopback port of the stand-in runtime; 0 takes a free port. With <see cref="StatePath"/>, 0 takes the last port
    /// again if it is free.
    /// </summary>
    [Range(0, 65_535)]
    public int RuntimePort { get; set; }

    /// <summary>Fault rules; for each property the first matching rule that sets it wins.</summary>
    public IList<SimulatedFault> Faults { get; set; } = [];

    public IEnumerable<SettingFault> Check(string section)
    {
        if (StatePath is not null && string.IsNullOrWhiteSpace(StatePath))
        {
            yield return new SettingFault($"{section}:{nameof(StatePath)}", StatePath, "a file path, or nothing");
        }

        if (Vendors.Count == 0)
        {
            yield break;
        }

        var known = MarketData.Vendors(GeneratedOffers);
        foreach (var (index, vendor) in Vendors.Index())
        {
            if (!known.Contains(vendor, StringComparer.Ordinal))
            {
                yield return new SettingFault($"{section}:{nameof(Vendors)}:{index}", vendor, string.Join(", ", known));
            }
        }
    }
}

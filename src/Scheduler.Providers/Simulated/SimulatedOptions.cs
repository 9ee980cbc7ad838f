namespace Scheduler.Providers.Simulated;

/// <summary>Settings under <c>Providers:Simulated</c>.</summary>
internal sealed class SimulatedOptions
{
    internal const string Section = "Providers:Simulated";

    /// <summary>Whether the simulated market is there at all; the embedded default.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Vendors of the offer data to simulate, without <c>sim-</c>; empty means all.</summary>
    public IList<string> Vendors { get; set; } = [];

    /// <summary>Everything that looks random follows from this.</summary>
    public int Seed { get; set; } = 1;

    /// <summary>Offers to generate instead of reading the embedded data; 0 reads the data. At most 1,000,000.</summary>
    public int GeneratedOffers { get; set; }

    /// <summary>EUR for one USD; prices are rounded up to the next micro-EUR.</summary>
    public decimal EurPerUsd { get; set; } = 0.92m;

    /// <summary>How many of each offer can be had; null draws a small number from the seed.</summary>
    public int? CapacityPerOffer { get; set; }

    /// <summary>From the request until capacity is ours.</summary>
    public TimeSpan AllocateLatency { get; set; }

    /// <summary>From capacity until the runtime is healthy.</summary>
    public TimeSpan BootTime { get; set; }

    /// <summary>From the release request until nothing is held.</summary>
    public TimeSpan ReleaseTime { get; set; }

    /// <summary>
    /// File that plays the cloud's own memory, so that allocations outlive this process; several schedulers on one host may share it.
    /// Null keeps the cloud in memory.
    /// </summary>
    public string? StatePath { get; set; }

    /// <summary>Whether allocations serve the stand-in runtime.</summary>
    public bool ServeRuntime { get; set; } = true;

    /// <summary>Loopback port of the stand-in runtime; 0 takes a free one (with <see cref="StatePath"/>: the last one again, when it is free).</summary>
    public int RuntimePort { get; set; }

    /// <summary>What goes wrong, and for whom; for each property the first matching rule that sets it wins.</summary>
    public IList<SimulatedFault> Faults { get; set; } = [];
}

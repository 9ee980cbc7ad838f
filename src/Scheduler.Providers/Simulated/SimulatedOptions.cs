namespace Scheduler.Providers.Simulated;

/// <summary>Settings under <c>Providers:Simulated</c>.</summary>
internal sealed class SimulatedOptions
{
    internal const string Section = "Providers:Simulated";

    public bool Enabled { get; set; } = true;

    /// <summary>Vendors to simulate, without <c>sim-</c>; empty means all.</summary>
    public IList<string> Vendors { get; set; } = [];

    /// <summary>Seed of all pseudo-random values.</summary>
    public int Seed { get; set; } = 1;

    /// <summary>Offers to generate instead of reading the embedded data; 0 reads the data. At most 1,000,000.</summary>
    public int GeneratedOffers { get; set; }

    /// <summary>EUR for one USD; prices are rounded up to the next micro-EUR.</summary>
    public decimal EurPerUsd { get; set; } = 0.92m;

    /// <summary>Capacity of each offer; null draws a small number from the seed.</summary>
    public int? CapacityPerOffer { get; set; }

    /// <summary>From the request until the capacity is allocated.</summary>
    public TimeSpan AllocateLatency { get; set; }

    /// <summary>From the allocation until the runtime is healthy.</summary>
    public TimeSpan BootTime { get; set; }

    /// <summary>From the release request until the capacity is released.</summary>
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
    public int RuntimePort { get; set; }

    /// <summary>Fault rules; for each property the first matching rule that sets it wins.</summary>
    public IList<SimulatedFault> Faults { get; set; } = [];
}

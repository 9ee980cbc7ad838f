using Scheduler.Domain.Placement;

namespace Scheduler.Providers.Simulated;

/// <summary>One rule about what goes wrong. Durations count from the moment named; an unset property leaves the matter to later rules.</summary>
internal sealed class SimulatedFault
{
    /// <summary>Whom it concerns; an empty match concerns everyone.</summary>
    public SimulatedMatch Match { get; set; } = new();

    /// <summary>Share of allocations it hits, 0 to 1, drawn from <see cref="Seed"/> and the allocation key: the same key always fares the same.</summary>
    public double Probability { get; set; } = 1;

    /// <summary>Seed of that draw.</summary>
    public int Seed { get; set; }

    /// <summary>From the request until capacity is ours.</summary>
    public TimeSpan? AllocateLatency { get; set; }

    /// <summary>The request is refused: nothing left.</summary>
    public bool? OutOfStock { get; set; }

    /// <summary>The request is refused: our quota is used up.</summary>
    public bool? QuotaExceeded { get; set; }

    /// <summary>The request is never answered and nothing is ever allocated, until it is called off.</summary>
    public bool? NeverAnswer { get; set; }

    /// <summary>Capacity is ours (the list shows it), but the call answers only this much later.</summary>
    public TimeSpan? AnswerLate { get; set; }

    /// <summary>Watchers are told every change twice.</summary>
    public bool? AnswerTwice { get; set; }

    /// <summary>The first call throws though the allocation was made.</summary>
    public bool? FailAfterEffect { get; set; }

    /// <summary>From capacity until the runtime is healthy.</summary>
    public TimeSpan? BootTime { get; set; }

    /// <summary>The runtime runs out of memory instead of becoming healthy.</summary>
    public bool? OomAtLoad { get; set; }

    /// <summary>The runtime cannot load its model.</summary>
    public bool? ModelLoadError { get; set; }

    /// <summary>The image cannot be pulled.</summary>
    public bool? ImagePullError { get; set; }

    /// <summary>From healthy until spot capacity is taken back; offers that are not spot are spared.</summary>
    public TimeSpan? SpotReclaimAfter { get; set; }

    /// <summary>From healthy until the runtime runs out of memory.</summary>
    public TimeSpan? OomAfter { get; set; }

    /// <summary>From healthy until the runtime ends with exit code 1.</summary>
    public TimeSpan? ExitAfter { get; set; }

    /// <summary>From healthy until the runtime answers no longer, without ending.</summary>
    public TimeSpan? UnhealthyAfter { get; set; }

    /// <summary>From the release request until nothing is held.</summary>
    public TimeSpan? ReleaseTime { get; set; }

    /// <summary>Its durations by name, for the check that none is negative.</summary>
    internal IEnumerable<(string Name, TimeSpan? Value)> Durations =>
        [
            (nameof(AllocateLatency), AllocateLatency),
            (nameof(AnswerLate), AnswerLate),
            (nameof(BootTime), BootTime),
            (nameof(SpotReclaimAfter), SpotReclaimAfter),
            (nameof(OomAfter), OomAfter),
            (nameof(ExitAfter), ExitAfter),
            (nameof(UnhealthyAfter), UnhealthyAfter),
            (nameof(ReleaseTime), ReleaseTime),
        ];

    internal bool Hits(Offer offer, string key) =>
        Match.Covers(offer) && (Probability >= 1 || SeededDraw.Unit(Seed, "fault", key) < Probability);
}

/// <summary>Whom a fault concerns; null means any.</summary>
internal sealed class SimulatedMatch
{
    /// <summary>Provider id, with or without <c>sim-</c>.</summary>
    public string? Provider { get; set; }

    /// <summary>Region, in the vendor's words.</summary>
    public string? Region { get; set; }

    /// <summary>GPU type, by catalogue name.</summary>
    public string? GpuType { get; set; }

    /// <summary>One offer's id.</summary>
    public string? OfferId { get; set; }

    internal bool Covers(Offer offer) =>
        Same(Region, offer.Region)
        && Same(GpuType, offer.GpuType)
        && Same(OfferId, offer.OfferId)
        && (Same(Provider, offer.Provider.Value) || Same(SimulatedMapping.IdPrefix + Provider, offer.Provider.Value));

    private static bool Same(string? wanted, string actual) =>
        wanted is null || string.Equals(wanted, actual, StringComparison.Ordinal);
}

using System.ComponentModel.DataAnnotations;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Settings;

namespace Scheduler.Providers.Simulated;

/// <summary>One fault rule. If a property is not set, later rules decide it.</summary>
internal sealed class SimulatedFault
{
    /// <summary>Requests that the rule applies to; an empty match covers all.</summary>
    public SimulatedMatch Match { get; set; } = new();

    /// <summary>
    /// Share of allocations that the rule hits, 0 to 1, drawn from <see cref="Seed"/> and the allocation key. The same
    /// key always gets the same result.
    /// </summary>
    [Range(0.0, 1.0)]
    public double Probability { get; set; } = 1;

    public int Seed { get; set; }

    /// <summary>From the request until the capacity is allocated.</summary>
    [DurationRange("0", SimulatedOptions.LongestDuration)]
    public TimeSpan? AllocateLatency { get; set; }

    public bool? OutOfStock { get; set; }

    /// <summary>The request is rejected because the account's quota is used up.</summary>
    public bool? QuotaExceeded { get; set; }

    /// <summary>The request gets no answer and allocates nothing, until it is cancelled by a release.</summary>
    public bool? NeverAnswer { get; set; }

    /// <summary>The capacity is allocated and listed, but the call returns only this much later.</summary>
    [DurationRange("0", SimulatedOptions.LongestDuration)]
    public TimeSpan? AnswerLate { get; set; }

    /// <summary>Watchers receive every change twice.</summary>
    public bool? AnswerTwice { get; set; }

    /// <summary>The first call throws although the allocation was made.</summary>
    public bool? FailAfterEffect { get; set; }

    /// <summary>From the allocation until the runtime is healthy.</summary>
    [DurationRange("0", SimulatedOptions.LongestDuration)]
    public TimeSpan? BootTime { get; set; }

    /// <summary>
    /// True size of the KV cache as a multiple of the estimate; for example, 7 for an engine that stores all 28 heads of
    /// a model that shares 4. See <see cref="SimulatedMemory"/>.
    /// </summary>
    [Range(0.0, 1000.0)]
    public double? CacheFactor { get; set; }

    /// <summary>The runtime runs out of memory during start-up, whatever it needs.</summary>
    public bool? OomAtLoad { get; set; }

    public bool? ModelLoadError { get; set; }

    public bool? ImagePullError { get; set; }

    /// <summary>From healthy until spot capacity is reclaimed; only for spot offers.</summary>
    [DurationRange("0", SimulatedOptions.LongestDuration)]
    public TimeSpan? SpotReclaimAfter { get; set; }

    [DurationRange("0", SimulatedOptions.LongestDuration)]
    public TimeSpan? OomAfter { get; set; }

    /// <summary>From healthy until the runtime exits with code 1.</summary>
    [DurationRange("0", SimulatedOptions.LongestDuration)]
    public TimeSpan? ExitAfter { get; set; }

    /// <summary>From healthy until the runtime stops answering without exiting.</summary>
    [DurationRange("0", SimulatedOptions.LongestDuration)]
    public TimeSpan? UnhealthyAfter { get; set; }

    /// <summary>From the release request until the capacity is released.</summary>
    [DurationRange("0", SimulatedOptions.LongestDuration)]
    public TimeSpan? ReleaseTime { get; set; }

    internal bool Hits(AllocationRequest request) =>
        Match.Covers(request.Offer, request.Runtime.Model)
        && (Probability >= 1 || SeededDraw.Unit(Seed, "fault", request.Key.Value) < Probability);
}

/// <summary>Requests that a fault rule applies to; a null property matches any value.</summary>
internal sealed class SimulatedMatch
{
    /// <summary>Provider id, with or without <c>sim-</c>.</summary>
    public string? Provider { get; set; }

    public string? Region { get; set; }

    public string? GpuType { get; set; }

    public string? OfferId { get; set; }

    /// <summary>Published name of the model that the runtime loads.</summary>
    public string? Model { get; set; }

    internal bool Covers(Offer offer, string model) =>
        Same(Region, offer.Region)
        && Same(GpuType, offer.GpuType)
        && Same(OfferId, offer.OfferId)
        && Same(Model, model)
        && (Same(Provider, offer.Provider.Value) || Same(SimulatedMapping.IdPrefix + Provider, offer.Provider.Value));

    private static bool Same(string? wanted, string actual) =>
        wanted is null || string.Equals(wanted, actual, StringComparison.Ordinal);
}

using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;

namespace Scheduler.Grains.Providers;

/// <summary>One provider: its offers, its health, its drain switch, its routes that timed out.</summary>
[Alias("scheduler.IProviderGrain")]
[GrainInterfaceType("scheduler.provider")]
public interface IProviderGrain : IGrainWithStringKey
{
    /// <summary>How it stands.</summary>
    [Alias("Get"), AlwaysInterleave]
    Task<Answer<ProviderView>> GetAsync();

    /// <summary>Takes it out of placement, or back in; what runs there goes on.</summary>
    [Alias("SetDraining")]
    Task<Answer<ProviderView>> SetDrainingAsync(bool draining, CommandContext context);

    /// <summary>Notes how an allocation attempt ended.</summary>
    [Alias("Note"), OneWay]
    Task NoteAsync(AllocationNote note);

    /// <summary>Asks the provider for its offers now.</summary>
    [Alias("Refresh")]
    Task<Answer<ProviderView>> RefreshAsync();
}

/// <summary>How an allocation attempt ended.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.AllocationNote")]
public sealed record AllocationNote(
    [property: Id(0)] Route Route,
    [property: Id(1)] AllocationEnd End,
    [property: Id(2)] TimeSpan Took,
    [property: Id(3)] RequestId RequestId
);

/// <summary>Ends of an allocation attempt.</summary>
public enum AllocationEnd
{
    /// <summary>Capacity came in time.</summary>
    Allocated = 1,

    /// <summary>The deadline passed.</summary>
    TimedOut = 2,

    /// <summary>The provider refused.</summary>
    Rejected = 3,
}

/// <summary>A provider as it is shown.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ProviderView")]
public sealed record ProviderView
{
    /// <summary>Which.</summary>
    [Id(0)]
    public ProviderId Id { get; init; }

    /// <summary>Whether an operator took it out of placement.</summary>
    [Id(1)]
    public bool Draining { get; init; }

    /// <summary><c>closed</c>, <c>open</c> or <c>half_open</c>.</summary>
    [Id(2)]
    public string Breaker { get; init; } = "closed";

    /// <summary>Until when the breaker stays open.</summary>
    [Id(3)]
    public DateTimeOffset? BreakerOpenUntil { get; init; }

    /// <summary>Attempts in the window.</summary>
    [Id(4)]
    public int Attempts { get; init; }

    /// <summary>Of those, how many got capacity in time.</summary>
    [Id(5)]
    public int Successes { get; init; }

    /// <summary>Median time to allocate in the window; null without a success.</summary>
    [Id(6)]
    public TimeSpan? MedianTimeToAllocate { get; init; }

    /// <summary>Routes that timed out, and until when they rank last.</summary>
    [Id(7)]
    public ImmutableArray<CoolingRoute> CoolingRoutes { get; init; } = [];

    /// <summary>Offers in its latest listing.</summary>
    [Id(8)]
    public int Offers { get; init; }

    /// <summary>Offers left out of it, by reason.</summary>
    [Id(9)]
    public ImmutableSortedDictionary<string, int> Skipped { get; init; } = ImmutableSortedDictionary<string, int>.Empty;

    /// <summary>When it was listed; null when never.</summary>
    [Id(10)]
    public DateTimeOffset? ListedAt { get; init; }

    /// <summary>Why the latest listing failed; null when it did not.</summary>
    [Id(11)]
    public string? ListingError { get; init; }
}

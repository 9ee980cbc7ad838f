using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Grains.Keys;

namespace Scheduler.Grains.Providers;

/// <summary>One provider: its offers, its health, its drain switch, its cooling routes.</summary>
[Alias("scheduler.IProviderGrain")]
[GrainInterfaceType("scheduler.provider")]
public interface IProviderGrain : IGrainWithStringKey
{
    /// <param name="account">Access scope: not found when it may not use the provider; null for operators.</param>
    [Alias("GetFor"), AlwaysInterleave]
    Task<Answer<ProviderView>> GetAsync(AccountId? account);

    /// <summary>Takes the provider out of placement; running instances continue. A repetition changes nothing.</summary>
    /// <param name="reason">Operator's own words, at most <see cref="DrainOrder.LongestReason"/> characters.</param>
    [Alias("Drain")]
    Task<Answer<ProviderView>> DrainAsync(string reason, CommandContext context);

    /// <summary>Takes the provider back into placement. A repetition changes nothing.</summary>
    [Alias("Undrain")]
    Task<Answer<ProviderView>> UndrainAsync(CommandContext context);

    [Alias("Note"), OneWay]
    Task ReportOutcomeAsync(AllocationReport report);

    [Alias("Refresh")]
    Task<Answer<ProviderView>> RefreshAsync();
}

[GenerateSerializer, Immutable, Alias("scheduler.AllocationNote")]
public sealed record AllocationReport(
    [property: Id(0)] Route Route,
    [property: Id(1)] AllocationEnd End,
    [property: Id(2)] TimeSpan Took,
    [property: Id(3)] RequestId RequestId
);

public enum AllocationEnd
{
    Allocated = 1,

    TimedOut = 2,

    Rejected = 3,
}

[GenerateSerializer, Immutable, Alias("scheduler.ProviderView")]
public sealed record ProviderView
{
    [Id(0)]
    public ProviderId Id { get; init; }

    /// <summary>Whether an operator took it out of placement.</summary>
    [Id(1)]
    public bool Draining { get; init; }

    /// <summary><see cref="Breaker"/> on the wire.</summary>
    [Id(2)]
    internal string BreakerName { get; init; } = "closed";

    public BreakerState Breaker
    {
        get => BreakerStates.Parse(BreakerName);
        init => BreakerName = value.WireName();
    }

    /// <summary>Until when the breaker stays open; null when it is not open.</summary>
    [Id(3)]
    public DateTimeOffset? BreakerOpenUntil { get; init; }

    /// <summary>Allocation attempts in the health window.</summary>
    [Id(4)]
    public int Attempts { get; init; }

    /// <summary>Attempts that got capacity in time.</summary>
    [Id(5)]
    public int Successes { get; init; }

    /// <summary>Median time to allocate in the health window; null without a success.</summary>
    [Id(6)]
    public TimeSpan? MedianTimeToAllocate { get; init; }

    /// <summary>Routes that failed, and until when they rank last.</summary>
    [Id(7)]
    public ImmutableArray<CoolingRoute> CoolingRoutes { get; init; } = [];

    [Id(8)]
    public int Offers { get; init; }

    /// <summary>Offers left out of the listing, by reason.</summary>
    [Id(9)]
    public ImmutableSortedDictionary<string, int> Skipped { get; init; } = ImmutableSortedDictionary<string, int>.Empty;

    /// <summary>Time of the latest listing; null when never listed.</summary>
    [Id(10)]
    public DateTimeOffset? ListedAt { get; init; }

    /// <summary>Error of the latest listing; null after a success.</summary>
    [Id(11)]
    public string? ListingError { get; init; }

    /// <summary>Who drained it, when and why; null unless drained, and for a drain that an older version recorded.</summary>
    [Id(12)]
    public DrainOrder? Drain { get; init; }

    /// <summary>The accounts that may use it, in order; empty for all.</summary>
    [Id(13)]
    public ImmutableArray<AccountId> OnlyFor { get; init; } = [];

    /// <summary>The part that a caller may see.</summary>
    /// <remarks>
    /// Attempts, times and cooling routes come from the launches of all accounts, so an account sees only the breaker
    /// (INV-08). Of the accounts that may use it, it sees itself. The message of the adapter may contain a secret (INV-13), and names of keys are the operator's.
    /// </remarks>
    public ProviderView For(Caller caller) =>
        caller.IsOperator
            ? this
            : this with
            {
                BreakerOpenUntil = null,
                Attempts = 0,
                Successes = 0,
                MedianTimeToAllocate = null,
                CoolingRoutes = [],
                ListingError = ListingError is null ? null : "The latest listing failed.",
                OnlyFor = OnlyFor.RemoveAll(account => account != caller.Account),
                Drain = Drain is { } order ? order with { Actor = "", Reason = "", RequestId = default } : null,
            };
}

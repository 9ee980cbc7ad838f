using System.Collections.Immutable;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Keys;
using Scheduler.Domain.Placement;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Instances;
using Scheduler.Grains.Models;
using Scheduler.Grains.Providers;

namespace Scheduler.Grains.Queries;

/// <summary>Questions over many grains; a stateless worker over the read side. Every question says for whose eyes.</summary>
[Alias("scheduler.IFleetGrain")]
[GrainInterfaceType("scheduler.fleet")]
public interface IFleetGrain : IGrainWithStringKey
{
    /// <summary>Instances that match.</summary>
    [Alias("ListInstances")]
    Task<InstancePage> ListInstancesAsync(InstanceQuery query);

    /// <summary>How many instances match, counted up to a number; order, cursor and limit of the query are not asked.</summary>
    /// <param name="query">Which ones.</param>
    /// <param name="most">Where counting stops, 1 to 1,000,000: that many means "that many or more".</param>
    [Alias("CountInstances")]
    Task<long> CountInstancesAsync(InstanceQuery query, int most);

    /// <summary>How it stands now, and what failed when.</summary>
    /// <param name="account">Whose; null for all (operators).</param>
    /// <param name="window">How far back failures are counted, 1 minute to 31 days.</param>
    /// <param name="buckets">In how many equal stretches of it, 1 to 200.</param>
    [Alias("Overview")]
    Task<FleetOverview> OverviewAsync(AccountId? account, TimeSpan window, int buckets);

    /// <summary>
    /// A number that is another after every event on any timeline, and may be another without one: a page that was read after it was asked
    /// is up to date as long as it is equal. It is the same for all eyes: an account learns from it that something was written somewhere,
    /// and not what, where or whose; a door shows it to nobody else's eyes than the page's own.
    /// </summary>
    /// <param name="account">Whose events matter; null for all. A number for an account alone would cost every write an index.</param>
    [Alias("Pulse")]
    Task<long> PulseAsync(AccountId? account);

    /// <summary>The latest events of instances that carry a failure code, newest first.</summary>
    /// <param name="code">The code; not none.</param>
    /// <param name="account">Whose events may be seen; null for all (operators).</param>
    /// <param name="limit">1 to 100.</param>
    [Alias("RecentFailures")]
    Task<ImmutableArray<SubjectEvent>> RecentFailuresAsync(FailureCode code, AccountId? account, int limit);

    /// <summary>An instance's timeline, oldest first.</summary>
    [Alias("Timeline")]
    Task<Answer<EventPage>> TimelineAsync(InstanceId instance, AccountId? account, long afterSequence, int limit);

    /// <summary>What an instance's timeline of schedules says of one of them, oldest first.</summary>
    [Alias("ScheduleTimeline")]
    Task<Answer<EventPage>> ScheduleTimelineAsync(
        InstanceId instance,
        string schedule,
        AccountId? account,
        long afterSequence,
        int limit
    );

    /// <summary>Accounts in order of id (operators only; the door sees to that).</summary>
    [Alias("ListAccounts")]
    Task<ImmutableArray<AccountView>> ListAccountsAsync(string afterId, int limit);

    /// <summary>An account's ledger, newest first.</summary>
    [Alias("Ledger")]
    Task<ImmutableArray<LedgerEntry>> LedgerAsync(AccountId account, long beforeSequence, int limit);

    /// <summary>Keys of an account (null: of all, and the operators').</summary>
    [Alias("ListKeys")]
    Task<ImmutableArray<KeyRecord>> ListKeysAsync(AccountId? account, string afterId, int limit);

    /// <summary>Models an account can launch: its own first, then the shipped catalogue, in order of name.</summary>
    [Alias("ListModels")]
    Task<ImmutableArray<ModelView>> ListModelsAsync(AccountId? account, string afterName, int limit);

    /// <summary>Balancers of an account (null: of all) in order of id, without those that were deleted.</summary>
    [Alias("ListBalancers")]
    Task<ImmutableArray<BalancerRecord>> ListBalancersAsync(AccountId? account, string afterId, int limit);

    /// <summary>Providers as they stand.</summary>
    [Alias("ListProviders")]
    Task<ImmutableArray<ProviderView>> ListProvidersAsync();

    /// <summary>Offers of the present catalogue, cheapest first.</summary>
    [Alias("ListOffers")]
    Task<OfferPage> ListOffersAsync(OfferQuery query);

    /// <summary>GPU types of the catalogue.</summary>
    [Alias("ListGpuTypes")]
    Task<ImmutableArray<GpuTypeView>> ListGpuTypesAsync();

    /// <summary>Everything known under one request id.</summary>
    [Alias("Request")]
    Task<ImmutableArray<SubjectEvent>> RequestAsync(RequestId requestId, AccountId? account, int limit);

    /// <summary>What a launch of a spec would do now, without an instance.</summary>
    [Alias("Explain")]
    Task<Answer<LaunchExplanation>> ExplainAsync(AccountId account, LaunchSpec spec);
}

/// <summary>A page of a timeline.</summary>
/// <param name="Events">Oldest first.</param>
[GenerateSerializer, Immutable, Alias("scheduler.EventPage")]
public sealed record EventPage([property: Id(0)] ImmutableArray<StoredEvent> Events);

/// <summary>Which offers to list; null means any.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.OfferQuery")]
public sealed record OfferQuery(
    [property: Id(0)] string? Provider,
    [property: Id(1)] string? Region,
    [property: Id(2)] string? GpuType,
    [property: Id(3)] MicroEuro? MaxPricePerHour,
    [property: Id(4)] int Skip,
    [property: Id(5)] int Limit
);

/// <summary>A page of offers.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.OfferPage")]
public sealed record OfferPage(
    [property: Id(0)] ImmutableArray<Offer> Offers,
    [property: Id(1)] int Total,
    [property: Id(2)] long CatalogueEpoch
);

/// <summary>A GPU type as it is shown.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.GpuTypeView")]
public sealed record GpuTypeView(
    [property: Id(0)] string Name,
    [property: Id(1)] string Vendor,
    [property: Id(2)] string Architecture,
    [property: Id(3)] long VramBytes,
    [property: Id(4)] double MemoryBandwidthGbPerSecond,
    [property: Id(5)] bool Fp8,
    [property: Id(6)] bool Fp4,
    [property: Id(7)] ImmutableArray<string> Aliases
);

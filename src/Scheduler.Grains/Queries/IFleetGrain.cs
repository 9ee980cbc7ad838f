using System.Collections.Immutable;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Keys;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Services;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Instances;
using Scheduler.Grains.Models;
using Scheduler.Grains.Providers;

namespace Scheduler.Grains.Queries;

/// <summary>Queries over many grains, answered by a stateless worker from the read models.</summary>
[Alias("scheduler.IFleetGrain")]
[GrainInterfaceType("scheduler.fleet")]
public interface IFleetGrain : IGrainWithStringKey
{
    [Alias("ListInstances")]
    Task<InstancePage> ListInstancesAsync(InstanceQuery query);

    /// <summary>Counts the matching instances up to a maximum; ignores the query's order, cursor and limit.</summary>
    /// <param name="most">Counting stops here, 1 to 1,000,000: the result then means "that many or more".</param>
    [Alias("CountInstances")]
    Task<long> CountInstancesAsync(InstanceQuery query, int most);

    /// <summary>Burn rate of the running instances that match; ignores the query's order, cursor and limit.</summary>
    /// <param name="most">Adding stops after this many instances, 1 to 1,000,000.</param>
    [Alias("BurnOfInstances")]
    Task<MicroEuro> BurnOfInstancesAsync(InstanceQuery query, int most);

    /// <summary>
    /// What has this text in its name or id: instances, balancers, accounts, providers, regions, GPU types and models.
    /// The id of a provider's allocation finds its instance. At most 20 of each kind, exact ones first.
    /// </summary>
    /// <param name="text">Not blank.</param>
    /// <param name="account">Access scope: finds nothing of other accounts; null for operators.</param>
    [Alias("Search")]
    Task<ImmutableArray<SearchHit>> SearchAsync(string text, AccountId? account);

    /// <summary>The place of an instance in the order in which waiting instances of its account are woken; null if it does not wait.</summary>
    [Alias("WaitingPlace")]
    Task<WaitingPlace?> WaitingPlaceAsync(AccountId account, InstanceId instance);

    /// <param name="account">Null for all accounts (operators).</param>
    /// <param name="window">Time span in which failures are counted, 1 minute to 31 days.</param>
    /// <param name="buckets">Number of equal parts of the span, 1 to 200.</param>
    [Alias("Overview")]
    Task<FleetOverview> OverviewAsync(AccountId? account, TimeSpan window, int buckets);

    /// <summary>
    /// A number that changes with every event on any timeline, and may change without one. A page read after the
    /// number was read is up to date while the number stays equal. It is the same for all accounts: it reveals that
    /// something was written, but not what, where or for which account. Each page must show it only to its own
    /// caller.
    /// </summary>
    [Alias("Pulse")]
    Task<long> PulseAsync();

    /// <summary>The latest events of instances with a failure code, newest first.</summary>
    /// <param name="code">Any code except none.</param>
    /// <param name="limit">1 to 100.</param>
    [Alias("RecentFailures")]
    Task<ImmutableArray<SubjectEvent>> RecentFailuresAsync(FailureCode code, AccountId? account, int limit);

    /// <summary>An instance's timeline, oldest first.</summary>
    [Alias("Timeline")]
    Task<Answer<EventPage>> TimelineAsync(InstanceId instance, AccountId? account, long afterSequence, int limit);

    /// <summary>The events of one schedule of an instance, oldest first.</summary>
    [Alias("ScheduleTimeline")]
    Task<Answer<EventPage>> ScheduleTimelineAsync(
        InstanceId instance,
        string schedule,
        AccountId? account,
        long afterSequence,
        int limit
    );

    /// <summary>Accounts ordered by id, for operators only; the caller must check that.</summary>
    [Alias("ListAccounts")]
    Task<ImmutableArray<AccountView>> ListAccountsAsync(string afterId, int limit);

    /// <summary>Accounts that have or had secrets, ordered by id, for operators only; the caller must check that.</summary>
    [Alias("ListSecretAccounts")]
    Task<ImmutableArray<AccountId>> ListSecretAccountsAsync(string afterAccount, int limit);

    /// <summary>An account's ledger, newest first.</summary>
    [Alias("Ledger")]
    Task<ImmutableArray<LedgerEntry>> LedgerAsync(AccountId account, long beforeSequence, int limit);

    /// <summary>Keys of an account, or for null those of the operators; a page is short only at the end.</summary>
    [Alias("ListKeys")]
    Task<ImmutableArray<KeyRecord>> ListKeysAsync(AccountId? account, string afterId, int limit);

    /// <summary>Whether a key belongs to the account; an unknown key costs as much as one of another account.</summary>
    [Alias("HasKey")]
    Task<bool> HasKeyAsync(AccountId account, string keyId);

    /// <summary>Models an account can launch, its own and the shipped catalogue, ordered by name.</summary>
    [Alias("ListModels")]
    Task<ImmutableArray<ModelView>> ListModelsAsync(AccountId? account, string afterName, int limit);

    /// <summary>Matching services ordered by id, without deleted ones.</summary>
    [Alias("ListServices")]
    Task<ImmutableArray<ServiceRecord>> ListServicesAsync(ServiceQuery query);

    /// <summary>Balancers of an account (null: of all) ordered by id, without deleted ones.</summary>
    [Alias("ListBalancers")]
    Task<ImmutableArray<BalancerRecord>> ListBalancersAsync(AccountId? account, string afterId, int limit);

    /// <summary>The providers that an account may use, ordered by id.</summary>
    /// <param name="account">Null for operators, who see all.</param>
    [Alias("ListProvidersFor")]
    Task<ImmutableArray<ProviderView>> ListProvidersAsync(AccountId? account);

    /// <summary>Offers of the current catalogue, cheapest first.</summary>
    [Alias("ListOffers")]
    Task<OfferPage> ListOffersAsync(OfferQuery query);

    [Alias("ListGpuTypes")]
    Task<ImmutableArray<GpuTypeView>> ListGpuTypesAsync();

    /// <summary>All events recorded under one request id.</summary>
    [Alias("Request")]
    Task<ImmutableArray<SubjectEvent>> RequestAsync(RequestId requestId, AccountId? account, int limit);

    /// <summary>
    /// The result a launch of this spec would have now; creates no instance. An unknown name is an
    /// <see cref="RefusalKind.Invalid"/> refusal.
    /// </summary>
    [Alias("Explain")]
    Task<Answer<LaunchExplanation>> ExplainAsync(AccountId account, LaunchSpec spec);
}

/// <param name="Events">Oldest first.</param>
[GenerateSerializer, Immutable, Alias("scheduler.EventPage")]
public sealed record EventPage([property: Id(0)] ImmutableArray<StoredEvent> Events);

/// <summary>Filter for services; null means any.</summary>
/// <param name="Condition">One that is true.</param>
/// <param name="AfterId">Empty for the beginning.</param>
/// <param name="Limit">1 to 1,000.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ServiceQuery")]
public sealed record ServiceQuery(
    [property: Id(0)] AccountId? Account,
    [property: Id(1)] string? ServingName,
    [property: Id(2)] string? Model,
    [property: Id(3)] ServiceConditionType? Condition,
    [property: Id(4)] string AfterId,
    [property: Id(5)] int Limit
)
{
    public bool Matches(ServiceRecord service) =>
        (ServingName is null || string.Equals(ServingName, service.ServingName, StringComparison.Ordinal))
        && (Model is null || string.Equals(Model, service.Spec.Template.Model, StringComparison.Ordinal))
        && (Condition is not { } condition || service.Has(condition));
}

/// <summary>Filter for offers; null means any.</summary>
/// <param name="Account">Access scope: only offers that the account may use; null for operators.</param>
[GenerateSerializer, Immutable, Alias("scheduler.OfferQuery")]
public sealed record OfferQuery(
    [property: Id(0)] string? Provider,
    [property: Id(1)] string? Region,
    [property: Id(2)] string? GpuType,
    [property: Id(3)] MicroEuro? MaxPricePerHour,
    [property: Id(4)] int Skip,
    [property: Id(5)] int Limit,
    [property: Id(6)] AccountId? Account
);

[GenerateSerializer, Immutable, Alias("scheduler.OfferPage")]
public sealed record OfferPage(
    [property: Id(0)] ImmutableArray<Offer> Offers,
    [property: Id(1)] int Total,
    [property: Id(2)] long CatalogueEpoch
);

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

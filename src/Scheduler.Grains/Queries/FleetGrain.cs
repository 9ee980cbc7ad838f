using System.Collections.Immutable;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Keys;
using Scheduler.Domain.Models;
using Scheduler.Domain.Schedules;
using Scheduler.Domain.Secrets;
using Scheduler.Domain.Services;
using Scheduler.Domain.Storage;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Instances;
using Scheduler.Grains.Models;
using Scheduler.Grains.Providers;
using Scheduler.Grains.Secrets;
using Scheduler.ModelFit;

namespace Scheduler.Grains.Queries;

/// <summary>Answers queries from the read models; holds no state.</summary>
[StatelessWorker]
[GrainType("fleet")]
internal sealed partial class FleetGrain(
    IInstanceIndex instances,
    IEventLog events,
    IFleetTotals totals,
    IAccountRows ledger,
    IEntityIndex entities,
    ProviderDirectory directory,
    OfferCatalogue catalogue,
    LaunchNames names,
    LaunchExplainer explainer,
    CapacityWaiters waiters,
    TimeProvider clock
) : Grain, IFleetGrain
{
    private const int MostBuckets = 200;
    private const int MostFailures = 100;
    private static readonly TimeSpan ShortestWindow = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestWindow = TimeSpan.FromDays(31);

    public Task<InstancePage> ListInstancesAsync(InstanceQuery query) =>
        instances.ListAsync(query, CancellationToken.None);

    public async Task<ImmutableArray<AccountId>> ListSecretAccountsAsync(string afterAccount, int limit)
    {
        var after = afterAccount.Length == 0 ? "" : SecretsKeys.Prefix + afterAccount;
        var sets = await entities.ListAsync<SecretSet>("secrets", null, after, limit, CancellationToken.None);
        return [.. sets.Select(set => set.Account)];
    }

    public Task<long> CountInstancesAsync(InstanceQuery query, int most) =>
        instances.CountAsync(query, most, CancellationToken.None);

    public Task<WaitingPlace?> WaitingPlaceAsync(AccountId account, InstanceId instance) =>
        waiters.PlaceOfAsync(account, instance, CancellationToken.None);

    public async Task<FleetOverview> OverviewAsync(AccountId? account, TimeSpan window, int buckets)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(window, ShortestWindow);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(window, LongestWindow);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(buckets);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(buckets, MostBuckets);
        var now = clock.Now();
        var sums = await totals.ReadAsync(account, now, CancellationToken.None);
        var counts = await events.CountFailuresAsync(account, now, window, buckets, CancellationToken.None);
        return new FleetOverview
        {
            At = now,
            Window = window,
            Instances = sums.Instances,
            Failures =
            [
                .. counts
                    .GroupBy(count => count.Code)
                    .OrderBy(ofCode => ofCode.Key)
                    .Select(ofCode => FailureSeries.Of(ofCode.Key, buckets, ofCode)),
            ],
            BurnPerHour = sums.BurnPerHour,
            Held = sums.Held,
            Debtors = sums.Debtors,
            OldestDebt = sums.OldestDebt,
        };
    }

    public Task<long> PulseAsync() => events.PulseAsync(CancellationToken.None);

    public async Task<ImmutableArray<SubjectEvent>> RecentFailuresAsync(FailureCode code, AccountId? account, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, MostFailures);
        return [.. await events.ReadFailuresAsync(code, account, limit, CancellationToken.None)];
    }

    public async Task<Answer<EventPage>> TimelineAsync(
        InstanceId instance,
        AccountId? account,
        long afterSequence,
        int limit
    )
    {
        var seen = await GrainFactory.Instance(instance).GetAsync(account);
        return seen.IsOk
            ? new EventPage([
                .. await events.ReadAsync("instance", instance.Value, afterSequence, limit, CancellationToken.None),
            ])
            : seen.Refusal;
    }

    public async Task<Answer<EventPage>> ScheduleTimelineAsync(
        InstanceId instance,
        string schedule,
        AccountId? account,
        long afterSequence,
        int limit
    )
    {
        const int AtOnce = 1000;
        var grain = GrainFactory.Schedules(instance);
        var seen = await grain.GetAsync(schedule, account);
        if (!seen.IsOk)
        {
            return seen.Refusal;
        }

        var found = new List<StoredEvent>();
        for (var (last, isMore) = (afterSequence, true); isMore && found.Count < limit; )
        {
            var page = await events.ReadAsync(
                "schedules",
                grain.GetPrimaryKeyString(),
                last,
                AtOnce,
                CancellationToken.None
            );
            found.AddRange(page.Where(happened => happened.IsAbout(schedule)));
            (last, isMore) = (page.Count > 0 ? page[^1].Sequence : last, page.Count == AtOnce);
        }

        return new EventPage([.. found.Take(limit)]);
    }

    public async Task<ImmutableArray<AccountView>> ListAccountsAsync(string afterId, int limit)
    {
        var stored = await entities.ListAsync<AccountRecord>("account", null, afterId, limit, CancellationToken.None);
        var views = await Task.WhenAll(stored.Select(record => GrainFactory.Account(record.Id).GetAsync(null)));
        return [.. views.Where(view => view.IsOk).Select(view => view.Value!)];
    }

    public async Task<ImmutableArray<LedgerEntry>> LedgerAsync(AccountId account, long beforeSequence, int limit) =>
        [.. await ledger.ListEntriesAsync(account, beforeSequence, limit, CancellationToken.None)];

    public async Task<ImmutableArray<KeyRecord>> ListKeysAsync(AccountId? account, string afterId, int limit) =>
        [
            .. account is null
                ? await entities.ListWithoutAccountAsync<KeyRecord>("key", afterId, limit, CancellationToken.None)
                : await entities.ListAsync<KeyRecord>("key", account, afterId, limit, CancellationToken.None),
        ];

    public Task<bool> HasKeyAsync(AccountId account, string keyId) =>
        entities.HasAsync("key", account, keyId, CancellationToken.None);

    public async Task<ImmutableArray<ModelView>> ListModelsAsync(AccountId? account, string afterName, int limit)
    {
        var own = account is null
            ? []
            : await entities.ListAsync<ModelRecord>(
                "model",
                account,
                $"model-{account.Value.Value}/{afterName}",
                limit,
                CancellationToken.None
            );
        var shipped = ModelCatalogue
            .Names.Where(name => string.CompareOrdinal(name, afterName) > 0)
            .Select(ModelCatalogue.Find)
            .OfType<ModelFacts>()
            .Select(ModelViews.Of);
        return
        [
            .. own.Select(ModelViews.Of).Concat(shipped).OrderBy(view => view.Name, StringComparer.Ordinal).Take(limit),
        ];
    }

    public Task<ImmutableArray<BalancerRecord>> ListBalancersAsync(AccountId? account, string afterId, int limit) =>
        ListLiveAsync<BalancerRecord>(
            "balancer",
            account,
            balancer => balancer.IsLive,
            balancer => balancer.Id.Value,
            afterId,
            limit
        );

    public Task<ImmutableArray<ServiceRecord>> ListServicesAsync(ServiceQuery query) =>
        ListLiveAsync<ServiceRecord>(
            "service",
            query.Account,
            service => service.IsLive && query.Matches(service),
            service => service.Id.Value,
            query.AfterId,
            query.Limit
        );

    /// <summary>Skips states that are not listed until the page is full or the list ends.</summary>
    private async Task<ImmutableArray<T>> ListLiveAsync<T>(
        string kind,
        AccountId? account,
        Func<T, bool> isListed,
        Func<T, string> idOf,
        string afterId,
        int limit
    )
        where T : class, IStoredState
    {
        var page = ImmutableArray.CreateBuilder<T>();
        for (var isMore = true; isMore && page.Count < limit; )
        {
            var read = await entities.ListAsync<T>(kind, account, afterId, limit, CancellationToken.None);
            page.AddRange(read.Where(isListed).Take(limit - page.Count));
            isMore = read.Count == limit;
            afterId = read.Count > 0 ? idOf(read[^1]) : afterId;
        }

        return page.ToImmutable();
    }

    public async Task<ImmutableArray<ProviderView>> ListProvidersAsync(AccountId? account)
    {
        var views = await Task.WhenAll(
            directory.OpenTo(account).Select(id => GrainFactory.Provider(id).GetAsync(account))
        );
        return [.. views.Where(v => v.IsOk).Select(v => v.Value!).OrderBy(v => v.Id.Value, StringComparer.Ordinal)];
    }

    public Task<OfferPage> ListOffersAsync(OfferQuery query)
    {
        var snapshot = catalogue.For(query.Account).Page.Snapshot;
        var matching = snapshot
            .Offers()
            .Where(offer =>
                (query.Provider is null || offer.Provider.Value == query.Provider)
                && (query.Region is null || offer.Region == query.Region)
                && (query.GpuType is null || offer.GpuType == query.GpuType)
                && (query.MaxPricePerHour is not { } max || offer.PricePerHour <= max)
            )
            .ToList();
        return Task.FromResult(
            new OfferPage([.. matching.Skip(query.Skip).Take(query.Limit)], matching.Count, snapshot.Epoch)
        );
    }

    public Task<ImmutableArray<GpuTypeView>> ListGpuTypesAsync() =>
        Task.FromResult<ImmutableArray<GpuTypeView>>([
            .. GpuCatalogue.Shipped.All.Select(gpu => new GpuTypeView(
                gpu.Name,
                gpu.Vendor,
                gpu.Architecture,
                gpu.VramBytes,
                gpu.BandwidthGbPerSecond ?? 0,
                gpu.SupportsFp8,
                gpu.SupportsFp4,
                gpu.Aliases
            )),
        ]);

    public async Task<ImmutableArray<SubjectEvent>> RequestAsync(RequestId requestId, AccountId? account, int limit) =>
        [
            .. (await events.ReadByRequestAsync(requestId, account, limit, CancellationToken.None)).Select(
                FirewallEvents.WithNamedSubject
            ),
        ];

    public async Task<Answer<LaunchExplanation>> ExplainAsync(AccountId account, LaunchSpec spec)
    {
        var named = await names.CheckAsync(account, spec, null, GrainFactory);
        if (!named.IsOk)
        {
            return named.Refusal;
        }

        var wished = new InstanceRecord { Account = account, Spec = named.Value };
        return await explainer.ExplainAsync(wished, GrainFactory, clock.Now());
    }
}

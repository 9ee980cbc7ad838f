using System.Collections.Concurrent;
using System.Collections.Immutable;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Keys;
using Scheduler.Domain.Models;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Requests;
using Scheduler.Domain.Secrets;
using Scheduler.Domain.Services;
using Scheduler.Grains;
using Scheduler.Grains.Balancers;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Firewalls;
using Scheduler.Grains.Hosts;
using Scheduler.Grains.Instances;
using Scheduler.Grains.Keys;
using Scheduler.Grains.Models;
using Scheduler.Grains.Providers;
using Scheduler.Grains.Queries;
using Scheduler.Grains.Requests;
using Scheduler.Grains.Schedules;
using Scheduler.Grains.Secrets;
using Scheduler.Grains.Services;

namespace Scheduler.UnitTests.Api;

/// <summary>Grains in memory, as far as the API needs them, with the account checks of the real ones.</summary>
internal sealed class FakeCluster : IGrainFactory
{
    private readonly ConcurrentDictionary<(Type, string), IGrainWithStringKey> _grains = new();

    /// <summary>Calls of requests; the log of requests is written in the background.</summary>
    public ConcurrentQueue<string> Calls { get; } = new();

    /// <summary>Events of all subjects.</summary>
    public ConcurrentQueue<SubjectEvent> Events { get; } = new();

    public FakePulse Pulse { get; } = new();

    public FakeRequestLog Requests { get; } = new();

    /// <summary>Answer of instance starts; null for the normal answer.</summary>
    public Func<Answer<InstanceRecord>>? OnStart { get; set; }

    /// <summary>Runs before each read of a key.</summary>
    public Action? OnKey { get; set; }

    /// <summary>Reads of an instance wait for this task.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public TGrain GetGrain<TGrain>(string primaryKey, string? grainClassNamePrefix = null)
        where TGrain : IGrainWithStringKey
    {
        if (typeof(TGrain) != typeof(IRequestLogGrain))
        {
            Calls.Enqueue($"{typeof(TGrain).Name}/{primaryKey}");
        }

        return (TGrain)_grains.GetOrAdd((typeof(TGrain), primaryKey), _ => Make<TGrain>(primaryKey));
    }

    private IGrainWithStringKey Make<TGrain>(string key) =>
        typeof(TGrain).Name switch
        {
            nameof(IKeyGrain) => new FakeKey(key, this),
            nameof(IQuotaGrain) => new FakeQuota(),
            nameof(IAccountGrain) => new FakeAccount(new AccountId(key)),
            nameof(IInstanceGrain) => new FakeInstance(new InstanceId(key), this),
            nameof(IModelGrain) => new FakeModel(),
            nameof(IModelImportGrain) => new FakeModelImport(this),
            nameof(IBalancerGrain) => new FakeBalancer(new BalancerId(key)),
            nameof(IServiceGrain) => new FakeService(new ServiceId(key)),
            nameof(IScheduleGrain) => new FakeSchedules(GrainKeys.InstanceOfSchedules(key), this),
            nameof(IProviderGrain) => new FakeProvider(key["provider-".Length..]),
            nameof(IServingNameGrain) => new FakeName(key["name-".Length..].Split('/'), this),
            nameof(IUsageGrain) => new FakeUsage(),
            nameof(IFleetGrain) => new FakeFleet(this),
            nameof(IFirewallGrain) => new FakeFirewalls(FirewallKeys.AccountOf(key)),
            nameof(ISecretsGrain) => new FakeSecrets(SecretsKeys.AccountOf(key)),
            nameof(IHostsGrain) => FakeHosts.New(TimeProvider.System),
            nameof(IEvaluationsGrain) => new FakeEvaluations(),
            nameof(IRequestLogGrain) => Requests,
            _ => throw new NotSupportedException(typeof(TGrain).Name),
        };

    internal IEnumerable<T> All<T>()
        where T : class => _grains.Values.OfType<T>();

    public TGrain GetGrain<TGrain>(Guid primaryKey, string? grainClassNamePrefix = null)
        where TGrain : IGrainWithGuidKey => throw new NotSupportedException();

    public TGrain GetGrain<TGrain>(long primaryKey, string? grainClassNamePrefix = null)
        where TGrain : IGrainWithIntegerKey => throw new NotSupportedException();

    public TGrain GetGrain<TGrain>(Guid primaryKey, string keyExtension, string? grainClassNamePrefix = null)
        where TGrain : IGrainWithGuidCompoundKey => throw new NotSupportedException();

    public TGrain GetGrain<TGrain>(long primaryKey, string keyExtension, string? grainClassNamePrefix = null)
        where TGrain : IGrainWithIntegerCompoundKey => throw new NotSupportedException();

    public TGrainObserverInterface CreateObjectReference<TGrainObserverInterface>(IGrainObserver obj)
        where TGrainObserverInterface : IGrainObserver => throw new NotSupportedException();

    public void DeleteObjectReference<TGrainObserverInterface>(IGrainObserver obj)
        where TGrainObserverInterface : IGrainObserver => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, Guid grainPrimaryKey) => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, long grainPrimaryKey) => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, string grainPrimaryKey) => throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, Guid grainPrimaryKey, string keyExtension) =>
        throw new NotSupportedException();

    public IGrain GetGrain(Type grainInterfaceType, long grainPrimaryKey, string keyExtension) =>
        throw new NotSupportedException();

    public IAddressable GetGrain(Type interfaceType, Orleans.Runtime.IdSpan grainKey) =>
        throw new NotSupportedException();

    public IAddressable GetGrain(Type interfaceType, Orleans.Runtime.IdSpan grainKey, string grainClassNamePrefix) =>
        throw new NotSupportedException();

    public TGrainInterface GetGrain<TGrainInterface>(Orleans.Runtime.GrainId grainId)
        where TGrainInterface : IAddressable => throw new NotSupportedException();

    public IAddressable GetGrain(Orleans.Runtime.GrainId grainId) => throw new NotSupportedException();

    public IAddressable GetGrain(Orleans.Runtime.GrainId grainId, Orleans.Runtime.GrainInterfaceType interfaceType) =>
        throw new NotSupportedException();
}

/// <summary>Stored requests in memory.</summary>
internal sealed class FakeRequestLog : IRequestLogGrain
{
    public ConcurrentQueue<AnsweredRequest> Stored { get; } = new();

    /// <summary>Runs before each write.</summary>
    public Func<Task> OnRecord { get; set; } = () => Task.CompletedTask;

    public async Task RecordAsync(ImmutableArray<AnsweredRequest> requests)
    {
        await OnRecord();
        foreach (var request in requests)
        {
            Stored.Enqueue(request);
        }
    }

    public Task<ImmutableArray<AnsweredRequest>> FindAsync(string id, AccountId? account, int limit) =>
        Task.FromResult(
            Stored.Where(request => request.HasId(id) && request.IsVisibleTo(account)).Take(limit).ToImmutableArray()
        );

    public Task<ImmutableArray<AnsweredRequest>> ListAsync(AccountId? account, bool onlyRefused, int limit) =>
        Task.FromResult(
            Stored
                .Where(request => request.IsVisibleTo(account) && !(onlyRefused && request.Code == AnsweredRequest.Ok))
                .Take(limit)
                .ToImmutableArray()
        );
}

/// <summary>The counter that changes with every write.</summary>
internal sealed class FakePulse
{
    private int _asked;
    private long _beat = 1;

    /// <summary>Number of reads.</summary>
    public int Asked => Volatile.Read(ref _asked);

    /// <summary>Exception of the next reads; null for none.</summary>
    public Exception? NextError { get; set; }

    /// <summary>Simulates a write.</summary>
    public void Beat() => Interlocked.Increment(ref _beat);

    public Task<long> AskAsync()
    {
        Interlocked.Increment(ref _asked);
        return NextError is { } error ? Task.FromException<long>(error) : Task.FromResult(Volatile.Read(ref _beat));
    }
}

internal sealed class FakeKey(string id, FakeCluster cluster) : IKeyGrain
{
    public KeyRecord Record { get; private set; } = new();

    public Task<Answer<KeyRecord>> CreateAsync(CreateKey command, CommandContext context)
    {
        if (Record.Exists)
        {
            return Task.FromResult<Answer<KeyRecord>>(
                string.Equals(Record.SecretSha256, command.SecretSha256, StringComparison.Ordinal)
                    ? Record
                    : Refusal.Exists($"{id} exists already.")
            );
        }

        Record = new KeyRecord
        {
            Id = id,
            Account = command.Account,
            DisplayName = command.DisplayName,
            SecretSha256 = command.SecretSha256,
            Role = command.Role,
        };
        return Task.FromResult<Answer<KeyRecord>>(Record);
    }

    public Task<Answer<KeyRecord>> GetAsync(AccountId? account)
    {
        cluster.OnKey?.Invoke();
        return Task.FromResult<Answer<KeyRecord>>(
            Record.Exists && (account is null || account == Record.Account) ? Record : Refusal.NotFound("key " + id)
        );
    }

    public async Task<Answer<KeyRecord>> RevokeAsync(CommandContext context)
    {
        var found = await GetAsync(context.Account);
        if (found.IsOk)
        {
            Record = Record with { RevokedAt = Record.RevokedAt ?? DateTimeOffset.UnixEpoch };
            return Record;
        }

        return found;
    }

    public Task BeginSessionAsync(KeySession session)
    {
        Record = Record.WithSession(session, session.EndsAt.AddHours(-1));
        return Task.CompletedTask;
    }

    public async Task<Answer<KeyRecord>> EndSessionsAsync(ImmutableArray<string> ids, CommandContext context)
    {
        var found = await GetAsync(context.Account);
        if (found.IsOk)
        {
            ImmutableArray<string> all = [.. Record.SessionsAt(DateTimeOffset.MinValue).Select(open => open.Id)];
            Record = Record.WithoutSessions(ids.IsEmpty ? all : ids, DateTimeOffset.MinValue);
            return Record;
        }

        return found;
    }

    public Task<Answer<KeyRecord>> EndSessionAsync(KeySession session)
    {
        var ended = Record.EndedSessions ?? EndedSessions.None;
        Record = Record with { EndedSessions = ended.With(session, DateTimeOffset.UnixEpoch) };
        return Task.FromResult<Answer<KeyRecord>>(Record);
    }

    public Task TouchAsync(DateTimeOffset usedAt)
    {
        Record = Record with { LastUsedAt = usedAt };
        return Task.CompletedTask;
    }
}

internal sealed class FakeAccount(AccountId id) : IAccountGrain
{
    public AccountView? View { get; private set; }

    private Answer<AccountView> Seen(AccountId? scope) =>
        View is { } view && (scope is null || scope == id) ? view : Refusal.NotFound($"The account {id}");

    public Task<Answer<AccountView>> CreateAsync(CreateAccount command, CommandContext context)
    {
        View ??= new AccountView { Id = id, DisplayName = command.DisplayName };
        return Task.FromResult<Answer<AccountView>>(View);
    }

    public Task<Answer<AccountView>> GetAsync(AccountId? account) => Task.FromResult(Seen(account));

    public Task<Answer<AccountView>> UpdateAsync(UpdateAccount command, CommandContext context) =>
        Task.FromResult(Seen(context.Account));

    public Task<Answer<TopUpAnswer>> TopUpAsync(MicroEuro amount, string reference, CommandContext context) =>
        Task.FromResult<Answer<TopUpAnswer>>(
            View is { } view
                ? new TopUpAnswer(
                    new LedgerEntry
                    {
                        Kind = LedgerEntryKind.TopUp,
                        Amount = amount,
                        Reference = reference,
                    },
                    view with
                    {
                        Balance = view.Balance + amount,
                    },
                    false
                )
                : Refusal.NotFound("account")
        );

    public Task<HoldAnswer> TakeHoldAsync(TakeHold command) => throw new NotSupportedException();

    public Task StartMeterAsync(StartMeter command) => throw new NotSupportedException();

    public Task CloseRunAsync(CloseRun command) => throw new NotSupportedException();

    public Task ForgetAsync(InstanceId instance) => throw new NotSupportedException();

    public Task CheckHoldAsync(InstanceId instance) => throw new NotSupportedException();

    public Task<ImmutableArray<OpenHold>> HoldsAsync(AccountId? account, int most) =>
        Task.FromResult<ImmutableArray<OpenHold>>(
            Seen(account).IsOk
                ?
                [
                    new OpenHold(
                        new InstanceId("i-held"),
                        3,
                        new MicroEuro(1_500_000),
                        new RequestId("req-h"),
                        false,
                        null
                    ),
                ]
                : []
        );
}

internal sealed class FakeInstance(InstanceId id, FakeCluster cluster) : IInstanceGrain
{
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public InstanceRecord Record { get; private set; } = new();

    public CommandContext? LastCommand { get; private set; }

    private Answer<InstanceRecord> Seen(AccountId? scope) =>
        Record.Exists && (scope is null || scope == Record.Account) ? Record : Refusal.NotFound($"Instance {id}");

    /// <summary>Replaces the record and notifies waiting callers.</summary>
    public void Put(InstanceRecord record)
    {
        Record = record with { Id = id, Generation = Record.Generation + 1 };
        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    /// <summary>Runs when the runtime is examined.</summary>
    public Action OnExamine { get; set; } = () => { };

    public Task<Answer<InstanceRecord>> ExamineAsync(AccountId? account, int run)
    {
        OnExamine();
        return Task.FromResult(Seen(account));
    }

    public Task<Answer<string>> ReadOutputAsync(AccountId? account) =>
        Task.FromResult<Answer<string>>(Seen(account) is { IsOk: false } seen ? seen.Refusal : "printed\n");

    public Task<Answer<SecretText>> ReadRuntimeKeyAsync(AccountId account, AllocationKey allocation) =>
        Task.FromResult<Answer<SecretText>>(
            Seen(account) is { IsOk: false } seen ? seen.Refusal
            : Record.Intent?.Key == allocation && RuntimeKey is { } key ? new SecretText(key)
            : Refusal.NotFound("Runtime key")
        );

    /// <summary>Key of the runtime; null for none.</summary>
    public string? RuntimeKey { get; set; }

    public Task<bool> RewrapKeyAsync() => Task.FromResult(Record.Intent?.RuntimeKey is not null);

    private Answer<InstanceRecord> SetState(InstanceState state, CommandContext context)
    {
        LastCommand = context;
        var seen = Seen(context.Account);
        if (seen.IsOk)
        {
            Record = Record with { State = state, Generation = Record.Generation + 1 };
            Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
            return Record;
        }

        return seen;
    }

    public Task<Answer<InstanceRecord>> CreateAsync(CreateInstance command, CommandContext context)
    {
        LastCommand = context;
        if (!Record.Exists)
        {
            Record = new InstanceRecord
            {
                Id = id,
                Account = command.Account,
                ServingName = command.ServingName,
                Spec = command.Spec,
                Labels = command.Labels,
                Generation = 1,
            };
        }

        return Task.FromResult<Answer<InstanceRecord>>(Record);
    }

    public async Task<Answer<InstanceRecord>> GetAsync(AccountId? account)
    {
        await cluster.Gate;
        return Seen(account);
    }

    public async Task<Answer<InstanceRecord>> WaitForChangeAsync(
        AccountId? account,
        long afterGeneration,
        CancellationToken cancellationToken
    )
    {
        var changed = _changed.Task;
        if (Record.Generation <= afterGeneration)
        {
            await changed.WaitAsync(cancellationToken);
        }

        return Seen(account);
    }

    public Task<Answer<InstanceRecord>> StartAsync(CommandContext context) =>
        Task.FromResult(cluster.OnStart?.Invoke() ?? SetState(InstanceState.Provisioning, context));

    public Task<Answer<InstanceRecord>> RepairAsync(RepairInstance command, CommandContext context) =>
        StartAsync(context);

    public Task<Answer<InstanceRecord>> StopAsync(CommandContext context) =>
        Task.FromResult(SetState(InstanceState.Stopped, context));

    public Task<Answer<InstanceRecord>> DeleteAsync(CommandContext context) =>
        Task.FromResult(SetState(InstanceState.Deleted, context));

    public Task<Answer<InstanceRecord>> UpdateAsync(UpdateInstance command, CommandContext context)
    {
        if (Seen(context.Account).IsOk)
        {
            Record = Record with { Spec = command.Spec ?? Record.Spec, Labels = command.Labels ?? Record.Labels };
        }

        return Task.FromResult(Seen(context.Account));
    }

    /// <summary>Result of a start now.</summary>
    public LaunchExplanation Explanation { get; set; } = new() { WouldLaunch = true };

    public Task<Answer<LaunchExplanation>> ExplainAsync(AccountId? account) =>
        Task.FromResult<Answer<LaunchExplanation>>(Seen(account).IsOk ? Explanation : Refusal.NotFound("x"));
}

internal sealed class FakeModel : IModelGrain
{
    private ModelView? _view;

    public Task<Answer<ModelView>> RegisterAsync(RegisterModel command, CommandContext context)
    {
        _view = new ModelView { Name = command.Name, Account = command.Account };
        return Task.FromResult<Answer<ModelView>>(_view);
    }

    public Task<Answer<ModelView>> GetAsync(AccountId? account) =>
        Task.FromResult<Answer<ModelView>>(_view is { } view ? view : Refusal.NotFound("m"));

    public Task<Answer<ModelRecord>> FactsAsync(AccountId account) =>
        Task.FromResult<Answer<ModelRecord>>(Refusal.NotFound("m"));
}

internal sealed class FakeModelImport(IGrainFactory grains) : IModelImportGrain
{
    public Task<Answer<ModelView>> ImportAsync(ImportModel command, CommandContext context)
    {
        var name = command.Name ?? command.Repository;
        var files = new RegisterModel(command.Account, name, null, [], null, null);
        return grains.Model(command.Account, name).RegisterAsync(files, context);
    }
}

internal sealed class FakeProvider(string id) : IProviderGrain
{
    /// <summary>Figures that only operators may see.</summary>
    public ProviderView View { get; private set; } =
        new()
        {
            Id = new ProviderId(id),
            BreakerOpenUntil = new DateTimeOffset(2026, 3, 1, 13, 0, 0, TimeSpan.Zero),
            Attempts = 7_777,
            Successes = 6_666,
            MedianTimeToAllocate = TimeSpan.FromSeconds(4_444),
            CoolingRoutes =
            [
                new CoolingRoute(
                    new Route(new ProviderId(id), "secret-region", "A10"),
                    new DateTimeOffset(2027, 3, 1, 13, 0, 0, TimeSpan.Zero)
                ),
            ],
            ListingError = "secret-error",
        };

    private Answer<ProviderView> Seen => id is "simulated" ? View : Refusal.NotFound("p");

    public Task<Answer<ProviderView>> GetAsync(AccountId? account) => Task.FromResult(Seen);

    public Task<Answer<ProviderView>> DrainAsync(string reason, CommandContext context)
    {
        var order = new DrainOrder(DateTimeOffset.UnixEpoch, context.Actor, reason, context.RequestId);
        View = View with { Draining = true, Drain = order };
        return Task.FromResult(Seen);
    }

    public Task<Answer<ProviderView>> UndrainAsync(CommandContext context)
    {
        View = View with { Draining = false, Drain = null };
        return Task.FromResult(Seen);
    }

    public Task ReportOutcomeAsync(AllocationReport note) => throw new NotSupportedException();

    public Task<Answer<ProviderView>> RefreshAsync() => Task.FromResult(Seen);
}

internal sealed class FakeFleet(FakeCluster cluster) : IFleetGrain
{
    public Task<InstancePage> ListInstancesAsync(InstanceQuery query)
    {
        var all = cluster
            .All<FakeInstance>()
            .Select(i => i.Record)
            .Where(r => r.Exists && (query.Account is null || r.Account == query.Account))
            .Where(r => query.States.IsEmpty || query.States.Contains(r.State))
            .OrderBy(r => r.Id.Value, StringComparer.Ordinal)
            .Where(r => query.After is null || string.CompareOrdinal(r.Id.Value, query.After.Id.Value) > 0)
            .ToList();
        var page = all.Take(query.Limit).ToImmutableArray();
        return Task.FromResult(
            new InstancePage(
                page,
                all.Count > page.Length ? new InstanceCursor(page[^1].CreatedAt.ToUniversalTime(), page[^1].Id) : null
            )
        );
    }

    public async Task<long> CountInstancesAsync(InstanceQuery query, int most) =>
        (await ListInstancesAsync(query with { Limit = most, After = null })).Instances.Length;

    public Task<WaitingPlace?> WaitingPlaceAsync(AccountId account, InstanceId instance) =>
        Task.FromResult<WaitingPlace?>(new WaitingPlace(2, 3));

    public Task<FleetOverview> OverviewAsync(AccountId? account, TimeSpan window, int buckets) =>
        Task.FromResult(new FleetOverview { Window = window });

    public Task<long> PulseAsync() => cluster.Pulse.AskAsync();

    public Task<ImmutableArray<SubjectEvent>> RecentFailuresAsync(FailureCode code, AccountId? account, int limit) =>
        Task.FromResult(cluster.Events.Where(row => row.Event.Code == code && Sees(account, row)).ToImmutableArray());

    public Task<Answer<EventPage>> TimelineAsync(
        InstanceId instance,
        AccountId? account,
        long afterSequence,
        int limit
    ) =>
        Task.FromResult<Answer<EventPage>>(
            cluster
                .All<FakeInstance>()
                .Any(i => i.Record.Id == instance && (account is null || i.Record.Account == account))
                ? new EventPage([])
                : Refusal.NotFound("i")
        );

    public async Task<Answer<EventPage>> ScheduleTimelineAsync(
        InstanceId instance,
        string schedule,
        AccountId? account,
        long afterSequence,
        int limit
    )
    {
        var seen = await cluster.Schedules(instance).GetAsync(schedule, account);
        return seen.IsOk ? new EventPage([]) : seen.Refusal;
    }

    public Task<ImmutableArray<AccountView>> ListAccountsAsync(string afterId, int limit) =>
        Task.FromResult(
            cluster.All<FakeAccount>().Select(a => a.View).OfType<AccountView>().Take(limit).ToImmutableArray()
        );

    public Task<ImmutableArray<AccountId>> ListSecretAccountsAsync(string afterAccount, int limit) =>
        Task.FromResult<ImmutableArray<AccountId>>([.. cluster.All<FakeSecrets>().Select(set => set.Account)]);

    public Task<ImmutableArray<LedgerEntry>> LedgerAsync(AccountId account, long beforeSequence, int limit) =>
        Task.FromResult(ImmutableArray<LedgerEntry>.Empty);

    public Task<bool> HasKeyAsync(AccountId account, string keyId) =>
        Task.FromResult(
            cluster
                .All<FakeKey>()
                .Any(key => key.Record.Exists && key.Record.Id == keyId && key.Record.Account == account)
        );

    public Task<ImmutableArray<KeyRecord>> ListKeysAsync(AccountId? account, string afterId, int limit) =>
        Task.FromResult(
            cluster
                .All<FakeKey>()
                .Select(k => k.Record)
                .Where(k => k.Exists && k.Account == account)
                .Where(k => string.CompareOrdinal(k.Id, afterId) > 0)
                .OrderBy(k => k.Id, StringComparer.Ordinal)
                .Take(limit)
                .ToImmutableArray()
        );

    public Task<ImmutableArray<ModelView>> ListModelsAsync(AccountId? account, string afterName, int limit) =>
        Task.FromResult(ImmutableArray<ModelView>.Empty);

    public Task<ImmutableArray<BalancerRecord>> ListBalancersAsync(AccountId? account, string afterId, int limit) =>
        Task.FromResult(
            cluster
                .All<FakeBalancer>()
                .Select(balancer => balancer.Record)
                .Where(r => r.IsLive && (account is null || r.Account == account))
                .Where(r => string.CompareOrdinal(r.Id.Value, afterId) > 0)
                .OrderBy(r => r.Id.Value, StringComparer.Ordinal)
                .Take(limit)
                .ToImmutableArray()
        );

    public Task<ImmutableArray<ServiceRecord>> ListServicesAsync(ServiceQuery query) =>
        Task.FromResult(
            cluster
                .All<FakeService>()
                .Select(service => service.Record)
                .Where(r => r.IsLive && (query.Account is null || r.Account == query.Account) && query.Matches(r))
                .Where(r => string.CompareOrdinal(r.Id.Value, query.AfterId) > 0)
                .OrderBy(r => r.Id.Value, StringComparer.Ordinal)
                .Take(query.Limit)
                .ToImmutableArray()
        );

    public Task<ImmutableArray<ProviderView>> ListProvidersAsync(AccountId? account) =>
        Task.FromResult(cluster.All<FakeProvider>().Select(provider => provider.View).ToImmutableArray());

    public Task<ImmutableArray<SearchHit>> SearchAsync(string text, AccountId? account) =>
        Task.FromResult(
            cluster
                .All<FakeInstance>()
                .Select(i => i.Record)
                .Where(r => r.Exists && (account is null || r.Account == account))
                .Where(r => r.ServingName.Contains(text, StringComparison.Ordinal))
                .Select(r => new SearchHit(
                    SearchKind.Instance,
                    r.Id.Value,
                    r.ServingName,
                    r.Account,
                    r.ServingName == text
                ))
                .ToImmutableArray()
        );

    public Task<MicroEuro> BurnOfInstancesAsync(InstanceQuery query, int most) => Task.FromResult(MicroEuro.Zero);

    public Task<OfferPage> ListOffersAsync(OfferQuery query) => Task.FromResult(new OfferPage([], 0, 1));

    public Task<ImmutableArray<GpuTypeView>> ListGpuTypesAsync() => Task.FromResult(ImmutableArray<GpuTypeView>.Empty);

    public Task<ImmutableArray<SubjectEvent>> RequestAsync(RequestId requestId, AccountId? account, int limit) =>
        Task.FromResult(
            cluster.Events.Where(row => row.Event.RequestId == requestId && Sees(account, row)).ToImmutableArray()
        );

    public Task<Answer<LaunchExplanation>> ExplainAsync(AccountId account, LaunchSpec spec) =>
        Task.FromResult<Answer<LaunchExplanation>>(new LaunchExplanation { WouldLaunch = true });

    private static bool Sees(AccountId? account, SubjectEvent row) => account is null || row.Subject.Account == account;
}

internal sealed class FakeName(string[] key, FakeCluster cluster) : IServingNameGrain
{
    public Task<NameHolder> ClaimAsync(NameHolder holder) => Task.FromResult(holder);

    public Task ReleaseAsync(NameHolder holder) => Task.CompletedTask;

    public Task<NameHolder?> HolderAsync() =>
        Task.FromResult(
            cluster
                .All<FakeInstance>()
                .Where(instance => instance.Record.Account.Value == key[0] && instance.Record.ServingName == key[1])
                .Select(instance => (NameHolder?)NameHolder.Of(instance.Record.Id))
                .Concat(
                    cluster
                        .All<FakeBalancer>()
                        .Where(b => b.Record.Account.Value == key[0] && b.Record.ServingName == key[1])
                        .Select(b => (NameHolder?)new NameHolder(b.Record.Id.Value))
                )
                .Concat(
                    cluster
                        .All<FakeService>()
                        .Select(service => service.View)
                        .Where(view => view?.Account.Value == key[0] && view.ServingName == key[1])
                        .Select(view => (NameHolder?)new NameHolder(view!.Id.Value))
                )
                .FirstOrDefault()
        );
}

internal sealed class FakeUsage : IUsageGrain
{
    public ServedUsageRecord Record { get; private set; } = new();

    /// <summary>Runs after a report is recorded, before it is answered.</summary>
    public Func<Task> OnReport { get; set; } = () => Task.CompletedTask;

    public async Task ReportAsync(AccountId account, GatewayReport report, ServedUsage served)
    {
        Record = Record.With(account, new InstanceId("i-1"), report, served, new DateOnly(2026, 3, 1));
        await OnReport();
    }

    public Task<ServedUsageRecord> GetAsync() => Task.FromResult(Record);
}

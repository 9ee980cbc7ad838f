using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Storage;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>The rows beside the states, and the ports that read them.</summary>
internal sealed partial class SimulatedStore
    : IAgenda,
        IAccountRows,
        IInstanceIndex,
        IEventLog,
        IQuotaRows,
        IStoredClock
{
    private readonly Dictionary<(string Kind, string Id), List<StoredEvent>> _events = [];
    private readonly Dictionary<AccountId, List<LedgerEntry>> _ledger = [];
    private ClockMark? _mark;
    private readonly Dictionary<AccountId, Dictionary<InstanceId, InstanceTab>> _tabs = [];

    public IReadOnlyList<StoredEvent> Timeline(string kind, string id) => _events.GetValueOrDefault((kind, id)) ?? [];

    public IReadOnlyList<LedgerEntry> Ledger(AccountId account) => _ledger.GetValueOrDefault(account) ?? [];

    public IReadOnlyCollection<InstanceTab> Tabs(AccountId account) =>
        _tabs.GetValueOrDefault(account)?.Values ?? (IReadOnlyCollection<InstanceTab>)[];

    /// <summary>Agenda items that wait.</summary>
    public IEnumerable<(string Kind, string Id)> Waiting =>
        _rows.Where(row => row.Value.WakeAt is not null).Select(row => row.Key);

    /// <summary>The database's clock is right; its answer comes a moment late.</summary>
    public StoredTime Read() =>
        new(
            _mark,
            world.Now + world.Between(-0.2, 0.2),
            All<InstanceRecord>()
                .Any(record =>
                    record.State
                        is InstanceState.Provisioning
                            or InstanceState.Starting
                            or InstanceState.Running
                            or InstanceState.Stopping
                )
        );

    public Task WriteAsync(DateTimeOffset time, DateTimeOffset wall, CancellationToken cancellationToken)
    {
        _mark = new ClockMark(time, world.Now);
        return Task.CompletedTask;
    }

    public Task<DateTimeOffset?> WallAsync(CancellationToken cancellationToken) =>
        Task.FromResult<DateTimeOffset?>(world.Now);

    public Task<IReadOnlyList<AgendaItem>> DueAsync(
        DateTimeOffset now,
        AgendaShare share,
        int limit,
        CancellationToken cancellationToken
    ) =>
        ReadAsync<IReadOnlyList<AgendaItem>>(() =>
            [
                .. _rows
                    .Where(row => row.Value.WakeAt <= now && share == AgendaShare.Whole)
                    .Select(row => new AgendaItem(row.Key.Kind, row.Key.Id, row.Value.WakeAt!.Value))
                    .OrderBy(item => item.WakeAt)
                    .Take(limit),
            ]
        );

    public Task SettleAsync(
        IReadOnlyList<(AgendaItem Item, DateTimeOffset? Next)> answers,
        CancellationToken cancellationToken
    ) =>
        ReadAsync(() =>
        {
            foreach (var (item, next) in answers)
            {
                if (_rows.GetValueOrDefault((item.Kind, item.Id)) is { } row && row.WakeAt == item.WakeAt)
                {
                    _rows[(item.Kind, item.Id)] = row with { WakeAt = next };
                }
            }

            return answers.Count;
        });

    public Task<IReadOnlyList<InstanceTab>> LoadTabsAsync(AccountId account, CancellationToken cancellationToken) =>
        ReadAsync<IReadOnlyList<InstanceTab>>(() => [.. Tabs(account)]);

    public Task<LedgerEntry?> FindEntryAsync(AccountId account, string key, CancellationToken cancellationToken) =>
        ReadAsync(() => Ledger(account).FirstOrDefault(entry => entry.Key == key));

    public Task<IReadOnlyList<LedgerEntry>> ListEntriesAsync(
        AccountId account,
        long beforeSequence,
        int limit,
        CancellationToken cancellationToken
    ) =>
        ReadAsync<IReadOnlyList<LedgerEntry>>(() =>
            [.. Ledger(account).Where(entry => entry.Sequence < beforeSequence).Reverse().Take(limit)]
        );

    public Task<MicroEuro> SumAsync(AccountId account, CancellationToken cancellationToken) =>
        ReadAsync(() => SimulationOracle.SumOf(Ledger(account)));

    public Task<long> UsedAsync(
        AccountId account,
        Quota quota,
        IReadOnlyCollection<string> without,
        CancellationToken cancellationToken
    ) =>
        ReadAsync(() =>
            quota == Quota.Instances
                ? All<InstanceRecord>()
                    .LongCount(record =>
                        record.Account == account
                        && record.State != InstanceState.Deleted
                        && !without.Contains(record.Id.Value)
                    )
                : throw new NotSupportedException("Simulated clients create instances only.")
        );

    public Task<InstancePage> ListAsync(InstanceQuery query, CancellationToken cancellationToken) =>
        ReadAsync(() =>
            new InstancePage(
                [
                    .. All<InstanceRecord>()
                        .Where(record =>
                            query.States.Contains(record.State)
                            && (query.Provider is null || record.Intent?.Offer.Provider.Value == query.Provider)
                        ),
                ],
                null
            )
        );

    public Task<ImmutableSortedDictionary<InstanceState, long>> CountByStateAsync(
        AccountId? account,
        CancellationToken cancellationToken
    ) => throw new NotSupportedException("Only API processes count.");

    public Task<MicroEuro> SumBurnAsync(InstanceQuery query, int most, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Only API processes add up.");

    public Task<ImmutableArray<InstanceRecord>> ListByAllocationAsync(
        string allocation,
        AccountId? account,
        int limit,
        CancellationToken cancellationToken
    ) => throw new NotSupportedException("Only API processes search.");

    public Task<long> CountAsync(InstanceQuery query, int most, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Only API processes count.");

    public Task<IReadOnlyList<SubjectEvent>> ReadFailuresAsync(
        FailureCode code,
        AccountId? account,
        int limit,
        CancellationToken cancellationToken
    ) => throw new NotSupportedException("Only API processes read timelines.");

    public Task<IReadOnlyList<FailureCount>> CountFailuresAsync(
        AccountId? account,
        DateTimeOffset until,
        TimeSpan window,
        int buckets,
        CancellationToken cancellationToken
    ) => throw new NotSupportedException("Only API processes count.");

    public Task<long> PulseAsync(CancellationToken cancellationToken) =>
        throw new NotSupportedException("Only API processes read the pulse.");

    public Task<IReadOnlyList<StoredEvent>> ReadAsync(
        string kind,
        string id,
        long afterSequence,
        int limit,
        CancellationToken cancellationToken
    ) => throw new NotSupportedException("Only API processes read timelines.");

    public Task<IReadOnlyList<SubjectEvent>> ReadByRequestAsync(
        RequestId requestId,
        AccountId? account,
        int limit,
        CancellationToken cancellationToken
    ) => throw new NotSupportedException("Only API processes read timelines.");

    /// <summary>Does the work of the database triggers; the unique indexes refuse the complete write.</summary>
    private void Project(string kind, string id, IStoredState state)
    {
        var timeline = _events.TryGetValue((kind, id), out var known) ? known : _events[(kind, id)] = [];
        foreach (var happened in state.Events)
        {
            world.Require(
                happened.Sequence == timeline.Count + 1,
                $"INV-04: {kind} {id} writes event {happened.Sequence} after {timeline.Count}"
            );
            timeline.Add(happened);
        }

        if (state is not AccountRecord account)
        {
            return;
        }

        var ledger = _ledger.TryGetValue(new AccountId(id), out var entries)
            ? entries
            : _ledger[new AccountId(id)] = [];
        var tabs = _tabs.TryGetValue(new AccountId(id), out var stored) ? stored : _tabs[new AccountId(id)] = [];
        foreach (var entry in account.NewEntries)
        {
            world.Require(ledger.All(e => e.Key != entry.Key), $"INV-05: {entry.Key} is entered twice");
            world.Require(
                entry.Sequence == ledger.Count + 1,
                $"INV-05: {id} enters {entry.Sequence} after {ledger.Count}"
            );
            ledger.Add(entry);
        }

        foreach (var tab in account.ChangedTabs)
        {
            tabs[tab.Instance] = tab;
        }

        foreach (var removed in account.RemovedTabs)
        {
            tabs.Remove(removed);
        }
    }
}

using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Storage;
using Scheduler.Storage.Agenda;
using Scheduler.Storage.Billing;
using Scheduler.Storage.Events;
using Xunit;
using static Scheduler.ClusterTests.Storage.StoreFixture;

namespace Scheduler.ClusterTests.Storage;

/// <summary>One write is atomic: the rows projected from a state are written with it, or not at all.</summary>
public abstract class ProjectionTests(StoreFixture fixture) : IAsyncLifetime
{
    private readonly StoreFixture _fixture = fixture;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _fixture.OpenAsync();
        await _fixture.StartSilosAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private IInstanceRow InstanceRow(string id) => _fixture.Grains.GetGrain<IInstanceRow>(id);

    private IAccountRow AccountRow(string id) => _fixture.Grains.GetGrain<IAccountRow>(id);

    [Fact]
    public async Task An_instance_write_fills_timeline_list_and_agenda()
    {
        var record = Instance("i-one");
        await InstanceRow("i-one").WriteAsync(record);

        var events = await new SqlEventLog(_fixture.Store).ReadAsync("instance", "i-one", 0, 10, Cancelled);
        var expected = Event(1);
        Assert.Equal(expected, Assert.Single(events) with { Data = expected.Data });
        Assert.Equal("1290000", events[0].Data["price_micro_eur"]);
        var due = await new SqlAgenda(_fixture.Store).DueAsync(Noon.AddMinutes(2), AgendaShare.Whole, 10, Cancelled);
        Assert.Equal(new AgendaItem("instance", "i-one", Noon.AddMinutes(2)), Assert.Single(due));
        Assert.Empty(
            await new SqlAgenda(_fixture.Store).DueAsync(Noon.AddMinutes(1), AgendaShare.Whole, 10, Cancelled)
        );
        Assert.Equal(
            ["acct-a", "Provisioning", "simulated", "eu-west", "RTX 4090", "serve-i-one", 1L],
            Assert.Single(
                _fixture.Sql("SELECT account, state, provider, region, gpu_type, serving_name, live FROM instances")
            )
        );
    }

    [Fact]
    public async Task Each_write_adds_its_events_and_moves_or_clears_the_deadline()
    {
        var grain = InstanceRow("i-two");
        await grain.WriteAsync(Instance("i-two"));
        await grain.WriteAsync(Instance("i-two", 2) with { WakeAt = Noon.AddHours(1), State = InstanceState.Starting });
        Assert.Equal("2026-03-01T13:00:00.000Z", _fixture.Sql("SELECT wake_at FROM agenda")[0][0]);
        await grain.WriteAsync(
            Instance("i-two", 3) with
            {
                WakeAt = null,
                State = InstanceState.Failed,
                Failure = new FailureRecord { Failure = new Failure { Code = FailureCode.ProviderTimeout } },
            }
        );
        Assert.Empty(_fixture.Sql("SELECT 1 FROM agenda"));
        Assert.Equal(["Failed", "PROVIDER_TIMEOUT"], Assert.Single(_fixture.Sql("SELECT state, code FROM instances")));
        Assert.Equal(
            [1L, 2L, 3L],
            _fixture.Sql("SELECT sequence FROM events ORDER BY sequence").Select(row => (long)row[0]!)
        );
    }

    [Fact]
    public async Task A_failing_row_rolls_back_the_whole_write()
    {
        var grain = InstanceRow("i-three");
        await grain.WriteAsync(Instance("i-three"));
        // The sequence number of the event is already used.
        var again = Instance("i-three") with
        {
            State = InstanceState.Running,
            WakeAt = null,
        };
        var exception = await Assert.ThrowsAnyAsync<Exception>(() => grain.WriteAsync(again));
        Assert.Contains(_fixture.SaysDuplicate, exception.ToString(), StringComparison.Ordinal);
        Assert.Equal(
            [1L, "Provisioning"],
            Assert.Single(_fixture.Sql("SELECT s.version, i.state FROM states s JOIN instances i USING (state_id)"))
        );
        Assert.Single(_fixture.Sql("SELECT 1 FROM agenda"));
        Assert.Single(_fixture.Sql("SELECT 1 FROM events"));
    }

    [Fact]
    public async Task A_failing_write_does_not_fail_other_writes_in_its_commit()
    {
        await InstanceRow("i-bad").WriteAsync(Instance("i-bad"));
        var writes = Enumerable
            .Range(0, 200)
            .Select(i =>
                i % 10 == 3
                    ? InstanceRow($"i-bad").WriteAsync(Instance("i-bad"))
                    : InstanceRow($"i-good-{i}").WriteAsync(Instance($"i-good-{i}"))
            )
            .ToArray();
        await Task.WhenAll(
            writes.Select(write =>
                write.ContinueWith(_ => { }, Cancelled, TaskContinuationOptions.None, TaskScheduler.Default)
            )
        );
        Assert.Equal(20, writes.Count(write => write.IsFaulted));
        Assert.Equal(180L, _fixture.Sql("SELECT count(*) FROM instances WHERE id LIKE 'i-good-%'")[0][0]);
        Assert.Equal(181L, _fixture.Sql("SELECT count(*) FROM events")[0][0]);
    }

    [Fact]
    public async Task An_account_write_fills_ledger_and_tabs()
    {
        var grain = AccountRow("acct-a");
        var tab = new InstanceTab
        {
            Instance = new InstanceId("i-1"),
            Run = 1,
            Hold = new MicroEuro(500),
            HoldLapsesAt = Noon,
            RequestId = new RequestId("req-9"),
        };
        await grain.WriteAsync(Account("acct-a", TopUp(1, "a", 100), TopUp(2, "b", 100)) with { ChangedTabs = [tab] });
        var book = new SqlAccountRows(_fixture.Store);
        var account = new AccountId("acct-a");
        Assert.Equal(new MicroEuro(200), await book.SumAsync(account, Cancelled));
        Assert.Equal(TopUp(2, "b", 100), await book.FindEntryAsync(account, "topup/b", Cancelled));
        Assert.Null(await book.FindEntryAsync(account, "topup/c", Cancelled));
        Assert.Equal(
            [2L, 1L],
            (await book.ListEntriesAsync(account, long.MaxValue, 10, Cancelled)).Select(entry => entry.Sequence)
        );
        Assert.Equal(tab, Assert.Single(await book.LoadTabsAsync(account, Cancelled)));

        await grain.WriteAsync(Account("acct-a") with { ChangedTabs = [tab with { Run = 2 }] });
        Assert.Equal(2, Assert.Single(await book.LoadTabsAsync(account, Cancelled)).Run);
        await grain.WriteAsync(Account("acct-a") with { RemovedTabs = [tab.Instance] });
        Assert.Empty(await book.LoadTabsAsync(account, Cancelled));
        Assert.Equal(new MicroEuro(200), await book.SumAsync(account, Cancelled));
    }

    [Theory]
    [InlineData(2, "a")]
    [InlineData(1, "b")]
    public async Task No_ledger_entry_is_made_twice_INV_05(long sequence, string reference)
    {
        var grain = AccountRow("acct-twice");
        await grain.WriteAsync(Account("acct-twice", TopUp(1, "a", 100)));
        await Assert.ThrowsAnyAsync<Exception>(() =>
            grain.WriteAsync(Account("acct-twice", TopUp(sequence, reference, 100)) with { DisplayName = "Eve" })
        );
        var sum = await new SqlAccountRows(_fixture.Store).SumAsync(new AccountId("acct-twice"), Cancelled);
        Assert.Equal(new MicroEuro(100), sum);
        Assert.DoesNotContain(
            "Eve",
            (string)_fixture.Sql("SELECT payload FROM states")[0][0]!,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("DELETE FROM events")]
    [InlineData("UPDATE events SET reason = 'other'")]
    [InlineData("DELETE FROM ledger")]
    [InlineData("UPDATE ledger SET amount = 0")]
    public async Task History_is_not_rewritten(string sql)
    {
        await InstanceRow("i-hist").WriteAsync(Instance("i-hist"));
        await AccountRow("acct-hist").WriteAsync(Account("acct-hist", TopUp(1, "a", 100)));
        Assert.Contains(
            "append-only",
            Assert.ThrowsAny<Exception>(() => _fixture.Sql(sql)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Settling_keeps_an_agenda_item_that_the_grain_has_moved()
    {
        var agenda = new SqlAgenda(_fixture.Store);
        foreach (var id in new[] { "i-a", "i-b", "i-c" })
        {
            await InstanceRow(id).WriteAsync(Instance(id));
        }

        var due = await agenda.DueAsync(Noon.AddDays(1), AgendaShare.Whole, 10, Cancelled);
        await InstanceRow("i-c").WriteAsync(Instance("i-c", 2) with { WakeAt = Noon.AddHours(5) });
        await agenda.SettleAsync(
            [
                .. due.Select(item =>
                    (
                        item,
                        string.Equals(item.Id, "i-a", StringComparison.Ordinal)
                            ? (DateTimeOffset?)null
                            : Noon.AddHours(2)
                    )
                ),
            ],
            Cancelled
        );
        Assert.Equal(
            [("i-b", Noon.AddHours(2)), ("i-c", Noon.AddHours(5))],
            (await agenda.DueAsync(Noon.AddDays(1), AgendaShare.Whole, 10, Cancelled)).Select(item =>
                (item.Id, item.WakeAt)
            )
        );
    }

    [Fact]
    public async Task Events_are_found_by_request_for_their_own_account_only_INV_08()
    {
        await InstanceRow("i-mine").WriteAsync(Instance("i-mine"));
        await InstanceRow("i-theirs").WriteAsync(Instance("i-theirs", account: "acct-b"));
        var log = new SqlEventLog(_fixture.Store);
        var request = new RequestId("req-1");
        var mine = await log.ReadByRequestAsync(request, new AccountId("acct-a"), 10, Cancelled);
        Assert.Equal("i-mine", Assert.Single(mine).Subject.Id);
        Assert.Equal(2, (await log.ReadByRequestAsync(request, null, 10, Cancelled)).Count);
    }
}

public sealed class ProjectionTestsOnSqlite() : ProjectionTests(new SqliteFixture());

public sealed class ProjectionTestsOnPostgreSql() : ProjectionTests(new PostgreSqlFixture());

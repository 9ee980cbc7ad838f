using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Storage;
using Scheduler.Storage.Instances;
using Xunit;
using static Scheduler.ClusterTests.Storage.StoreFixture;

namespace Scheduler.ClusterTests.Storage;

/// <summary>Totals cover all accounts, or exactly one account.</summary>
public abstract class FleetTotalsTests(StoreFixture fixture) : IAsyncLifetime
{
    private readonly StoreFixture _fixture = fixture;

    public async ValueTask InitializeAsync() => await _fixture.OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task An_account_sees_its_own_totals_and_the_operator_sees_all_INV_08()
    {
        await FillAsync("acct-a", price: 1_000, running: 2, holding: 1, owing: 1);
        await FillAsync("acct-b", price: 50_000, running: 1, holding: 3, owing: 2);

        var a = await ReadAsync(new AccountId("acct-a"));
        Assert.Equal(new MicroEuro(2_000), a.BurnPerHour);
        // After an hour a run at 1,000 has used up its hold of 3; the hold of the launch is whole.
        Assert.Equal(new MicroEuro(7), a.Held);
        Assert.Equal((1, 1), (a.Debtors, a.AgendaDue));
        Assert.Equal(Noon, a.OldestDebt);
        Assert.Equal(2, a.Instances[InstanceState.Running]);
        var b = await ReadAsync(new AccountId("acct-b"));
        Assert.Equal(new MicroEuro(50_000), b.BurnPerHour);
        Assert.Equal(new MicroEuro(21), b.Held);
        Assert.Equal((2, 2), (b.Debtors, b.AgendaDue));
        var all = await ReadAsync(null);
        Assert.Equal(new MicroEuro(52_000), all.BurnPerHour);
        Assert.Equal(new MicroEuro(28), all.Held);
        Assert.Equal((3, 3), (all.Debtors, all.AgendaDue));
        Assert.Equal(3, all.Instances[InstanceState.Running]);
        // Just started, the runs still have their holds.
        Assert.Equal(new MicroEuro(7 + 2 * 3), (await ReadAsync(new AccountId("acct-a"), Noon)).Held);
        var none = await ReadAsync(new AccountId("acct-nobody"));
        Assert.Equal(new FleetTotals { Instances = none.Instances }, none);
        Assert.Empty(none.Instances);
    }

    private Task<FleetTotals> ReadAsync(AccountId? account, DateTimeOffset? at = null) =>
        new SqlFleetTotals(
            _fixture.Store,
            new SqlInstanceIndex(_fixture.Store, NullLogger<SqlInstanceIndex>.Instance)
        ).ReadAsync(account, at ?? Noon.AddHours(1), TestContext.Current.CancellationToken);

    private async Task FillAsync(string account, long price, int running, int holding, int owing)
    {
        for (var i = 0; i < running + owing; i++)
        {
            var id = $"i-{account}-{i}";
            await _fixture.WriteStateAsync(
                "instance",
                id,
                Instance(id, account: account) with
                {
                    State = i < running ? InstanceState.Running : InstanceState.Stopping,
                    WakeAt = i < running ? null : Noon,
                }
            );
        }

        var meters = Enumerable
            .Range(0, running)
            .Select(i => new InstanceTab
            {
                Instance = new InstanceId($"i-run-{i}"),
                Run = 1,
                Hold = new MicroEuro(3),
                MeterSince = Noon,
                PricePerHour = new MicroEuro(price),
            });
        var holds = Enumerable
            .Range(0, holding)
            .Select(i => new InstanceTab
            {
                Instance = new InstanceId($"i-hold-{i}"),
                Run = 1,
                Hold = new MicroEuro(7),
            });
        await _fixture.WriteStateAsync(
            "account",
            account,
            Account(account) with
            {
                ChangedTabs = [.. meters, .. holds],
            }
        );
    }
}

public sealed class FleetTotalsTestsOnSqlite() : FleetTotalsTests(new SqliteFixture());

public sealed class FleetTotalsTestsOnPostgreSql() : FleetTotalsTests(new PostgreSqlFixture());

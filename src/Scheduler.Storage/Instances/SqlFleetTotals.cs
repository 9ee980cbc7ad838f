using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Storage;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.Instances;

internal sealed class SqlFleetTotals(ISqlStore store, IInstanceIndex instances) : IFleetTotals
{
    // SQLite returns a JSON true as 1.
    private const string IsMetered =
        "tab ->> 'meterSince' IS NOT NULL AND CAST(tab ->> 'closed' AS TEXT) NOT IN ('1', 'true')";

    // The caller appends the condition on the account.
    private const string MeteredOf =
        $"SELECT CAST(tab ->> 'hold' AS BIGINT), CAST(tab ->> 'pricePerHour' AS BIGINT), tab ->> 'meterSince' FROM tabs WHERE {IsMetered} AND";

    private const string LaunchHoldsOf =
        $"SELECT CAST(COALESCE(SUM(CAST(tab ->> 'hold' AS BIGINT)), 0) AS BIGINT) FROM tabs WHERE NOT ({IsMetered}) AND";

    // An instance with pending cleanup has an agenda entry; a failed instance without pending cleanup has none.
    private const string DebtsOf =
        "SELECT COUNT(*), MIN(i.updated_at) FROM agenda AS a JOIN instances AS i USING (state_id) WHERE i.state IN ('Stopping', 'Failed') AND";

    private const string Due = "SELECT COUNT(*), MIN(wake_at) FROM agenda WHERE wake_at <= @now";

    private const string DueOfAccount =
        "SELECT COUNT(*), MIN(a.wake_at) FROM agenda AS a JOIN instances AS i USING (state_id) WHERE a.wake_at <= @now AND i.account = @account";

    public async Task<FleetTotals> ReadAsync(
        AccountId? account,
        DateTimeOffset now,
        CancellationToken cancellationToken
    )
    {
        var byState = await instances.CountByStateAsync(account, cancellationToken);
        SqlValue[] values = account is null
            ? [new("@now", now)]
            : [new("@now", now), new("@account", account.Value.Value)];
        var ofAccount = account is null ? "true" : "account = @account";
        var metered = await store.ListAsync($"{MeteredOf} {ofAccount}", values, ReadMeter, cancellationToken);
        var launches = await OneAsync($"{LaunchHoldsOf} {ofAccount}", row => new MicroEuro(row.Number(0)));
        var (debtors, oldest) = await OneAsync(
            account is null ? $"{DebtsOf} true" : $"{DebtsOf} i.account = @account",
            CountAndTime
        );
        var (due, first) = await OneAsync(account is null ? Due : DueOfAccount, CountAndTime);
        return new FleetTotals
        {
            Instances = byState,
            BurnPerHour = metered.Aggregate(MicroEuro.Zero, (sum, tab) => sum + tab.PricePerHour),
            Held = metered.Aggregate(launches, (sum, tab) => sum + tab.HoldLeft(now)),
            Debtors = debtors,
            OldestDebt = oldest,
            AgendaDue = due,
            OldestDue = first,
        };

        async Task<T> OneAsync<T>(string sql, Func<ISqlRow, T> map) =>
            (await store.ListAsync(sql, values, map, cancellationToken))[0];
    }

    private static InstanceTab ReadMeter(ISqlRow row) =>
        new()
        {
            Hold = new MicroEuro(row.Number(0)),
            PricePerHour = new MicroEuro(row.Number(1)),
            MeterSince = UtcText.Parse(row.Text(2)),
        };

    private static (long Count, DateTimeOffset? Time) CountAndTime(ISqlRow row) =>
        (row.Number(0), row.Number(0) == 0 ? null : row.Time(1));
}

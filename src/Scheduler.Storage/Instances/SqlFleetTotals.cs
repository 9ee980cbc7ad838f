using Scheduler.Domain.Billing;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Storage;
using Scheduler.Storage.PostgreSql;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.Instances;

/// <summary>Sums over the tables <c>instances</c>, <c>tabs</c> and <c>agenda</c>.</summary>
internal sealed class SqlFleetTotals(ISqlStore store, IInstanceIndex instances) : IFleetTotals
{
    // SQLite shows a JSON true as 1.
    private const string Money = """
        SELECT CAST(COALESCE(SUM(CASE WHEN metered THEN price END), 0) AS BIGINT),
          CAST(COALESCE(SUM(CASE WHEN NOT metered THEN hold END), 0) AS BIGINT)
        FROM (
          SELECT CAST(tab ->> 'pricePerHour' AS BIGINT) AS price, CAST(tab ->> 'hold' AS BIGINT) AS hold,
            (tab ->> 'meterSince' IS NOT NULL AND CAST(tab ->> 'closed' AS TEXT) NOT IN ('1', 'true')) AS metered
          FROM tabs) AS t
        """;

    // Whoever owes something waits in the agenda; a failed instance that owes nothing does not.
    private const string Debts =
        "SELECT COUNT(*), MIN(i.updated_at) FROM agenda AS a JOIN instances AS i USING (state_id) WHERE i.state IN ('Stopping', 'Failed')";

    private const string Due = "SELECT COUNT(*), MIN(wake_at) FROM agenda WHERE wake_at <= @now";

    public async Task<FleetTotals> ReadAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var byState = await instances.CountByStateAsync(null, cancellationToken);
        var (burn, held) = (await store.ListAsync(Money, [], row => (row.Number(0), row.Number(1)), cancellationToken))[
            0
        ];
        var (debtors, oldest) = (await store.ListAsync(Debts, [], CountAndTime, cancellationToken))[0];
        var (due, first) = (await store.ListAsync(Due, [new SqlValue("@now", now)], CountAndTime, cancellationToken))[
            0
        ];
        return new FleetTotals
        {
            Instances = byState,
            BurnPerHour = new MicroEuro(burn),
            Held = new MicroEuro(held),
            Debtors = debtors,
            OldestDebt = oldest,
            AgendaDue = due,
            OldestDue = first,
        };
    }

    public async Task<DateTimeOffset?> TimeAsync(CancellationToken cancellationToken) =>
        store is PostgreSqlStore
            ? (await store.ListAsync("SELECT clock_timestamp()", [], row => row.Time(0), cancellationToken))[0]
            : null;

    private static (long Count, DateTimeOffset? Time) CountAndTime(ISqlRow row) =>
        (row.Number(0), row.Number(0) == 0 ? null : row.Time(1));
}

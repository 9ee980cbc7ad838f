using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Storage;
using Scheduler.Storage.Sqlite;

namespace Scheduler.Storage.Instances;

/// <summary>Sums over the tables <c>instances</c>, <c>tabs</c> and <c>agenda</c>.</summary>
internal sealed class SqliteFleetTotals(SqliteStore store, IInstanceIndex instances) : IFleetTotals
{
    private const string Money =
        "SELECT COALESCE(SUM(CASE WHEN metered THEN price END), 0), COALESCE(SUM(CASE WHEN NOT metered THEN hold END), 0) FROM ("
        + "SELECT tab ->> 'pricePerHour' AS price, tab ->> 'hold' AS hold, "
        + "tab ->> 'meterSince' IS NOT NULL AND NOT COALESCE(tab ->> 'closed', 0) AS metered FROM tabs)";

    // Whoever owes something waits in the agenda; a failed instance that owes nothing does not.
    private const string Debts =
        "SELECT COUNT(*), MIN(s.payload ->> 'stateSince') FROM agenda AS a JOIN instances AS i USING (state_id) "
        + "JOIN states AS s USING (state_id) WHERE i.state IN ('Stopping', 'Failed')";

    private const string Due = "SELECT COUNT(*), MIN(wake_at) FROM agenda WHERE wake_at <= @now";

    public async Task<FleetTotals> ReadAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var byState = await instances.CountByStateAsync(null, cancellationToken);
        return await store.ReadListAsync(database => Read(database, byState, now), cancellationToken);
    }

    private static FleetTotals Read(
        SqliteDatabase database,
        ImmutableSortedDictionary<InstanceState, long> byState,
        DateTimeOffset now
    )
    {
        var (burn, held) = database.Query(Money, [], row => (row.Number(0), row.Number(1)))[0];
        var (debtors, oldest) = database.Query(Debts, [], CountAndTime)[0];
        var (due, first) = database.Query(Due, [new SqlValue("@now", now)], CountAndTime)[0];
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

    private static (long Count, DateTimeOffset? Time) CountAndTime(SqliteStatement row) =>
        (row.Number(0), row.Number(0) == 0 ? null : row.Time(1));
}

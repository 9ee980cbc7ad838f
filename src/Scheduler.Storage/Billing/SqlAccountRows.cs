using System.Text.Json;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.Billing;

internal sealed class SqlAccountRows(ISqlStore store) : IAccountRows
{
    private const string Columns =
        "key, sequence, kind, amount, balance_after, at, request_id, reference, instance, run, segment, seconds, price_per_hour";

    private const string Tabs = "SELECT CAST(tab AS TEXT) FROM tabs WHERE account = @account ORDER BY instance";

    private const string ByKey = $"SELECT {Columns} FROM ledger WHERE account = @account AND key = @key";

    private const string Newest =
        $"SELECT {Columns} FROM ledger WHERE account = @account AND sequence < @before ORDER BY sequence DESC LIMIT @limit";

    // SUM instead of TOTAL: an integer overflow raises an error, while TOTAL would round.
    private const string Sum = "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM ledger WHERE account = @account";

    public async Task<IReadOnlyList<InstanceTab>> LoadTabsAsync(
        AccountId account,
        CancellationToken cancellationToken
    ) =>
        await store.ListAsync(
            Tabs,
            [new SqlValue("@account", account.Value)],
            row => JsonSerializer.Deserialize<InstanceTab>(row.Bytes(0), StateSerializer.Options)!,
            cancellationToken
        );

    public async Task<LedgerEntry?> FindEntryAsync(AccountId account, string key, CancellationToken cancellationToken)
    {
        SqlValue[] values = [new("@account", account.Value), new("@key", key)];
        return (await store.ListAsync(ByKey, values, ReadEntry, cancellationToken)).SingleOrDefault();
    }

    public async Task<IReadOnlyList<LedgerEntry>> ListEntriesAsync(
        AccountId account,
        long beforeSequence,
        int limit,
        CancellationToken cancellationToken
    )
    {
        PageLimit.Check(limit);
        SqlValue[] values = [new("@account", account.Value), new("@before", beforeSequence), new("@limit", limit)];
        return await store.ListAsync(Newest, values, ReadEntry, cancellationToken);
    }

    public async Task<MicroEuro> SumAsync(AccountId account, CancellationToken cancellationToken)
    {
        SqlValue[] values = [new("@account", account.Value)];
        return (await store.ListAsync(Sum, values, row => new MicroEuro(row.Number(0)), cancellationToken))[0];
    }

    private static LedgerEntry ReadEntry(ISqlRow row) =>
        new()
        {
            Key = row.Text(0),
            Sequence = row.Number(1),
            Kind = Enum.Parse<LedgerEntryKind>(row.Text(2)),
            Amount = new MicroEuro(row.Number(3)),
            BalanceAfter = new MicroEuro(row.Number(4)),
            At = row.Time(5),
            RequestId = row.TextOrNull(6) is { } request ? new RequestId(request) : default,
            Reference = row.TextOrNull(7),
            Instance = row.TextOrNull(8) is { } instance ? new InstanceId(instance) : null,
            Run = checked((int)row.Number(9)),
            Segment = checked((int)row.Number(10)),
            Seconds = row.Number(11),
            PricePerHour = new MicroEuro(row.Number(12)),
        };
}

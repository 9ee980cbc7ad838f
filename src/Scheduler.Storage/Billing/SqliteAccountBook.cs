using System.Text.Json;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Storage.Sqlite;

namespace Scheduler.Storage.Billing;

/// <summary>The tables <c>tabs</c> and <c>ledger</c>.</summary>
internal sealed class SqliteAccountBook(SqliteStore store) : IAccountBook
{
    private const string Columns =
        "key, sequence, kind, amount, balance_after, at, request_id, reference, instance, run, segment, seconds, price_per_hour";

    private const string Tabs = "SELECT tab FROM tabs WHERE account = @account ORDER BY instance";

    private const string ByKey = $"SELECT {Columns} FROM ledger WHERE account = @account AND key = @key";

    private const string Newest =
        $"SELECT {Columns} FROM ledger WHERE account = @account AND sequence < @before ORDER BY sequence DESC LIMIT @limit";

    // SUM of integers, not TOTAL: it raises an error rather than round.
    private const string Sum = "SELECT COALESCE(SUM(amount), 0) FROM ledger WHERE account = @account";

    public async Task<IReadOnlyList<InstanceTab>> LoadTabsAsync(
        AccountId account,
        CancellationToken cancellationToken
    ) =>
        await store.ReadListAsync(
            database =>
                database.Query(
                    Tabs,
                    [new SqlValue("@account", account.Value)],
                    row => JsonSerializer.Deserialize<InstanceTab>(row.Bytes(0), StateSerializer.Options)!
                ),
            cancellationToken
        );

    public async Task<LedgerEntry?> FindEntryAsync(AccountId account, string key, CancellationToken cancellationToken)
    {
        var found = await store.ReadListAsync(
            database =>
                database.Query(ByKey, [new SqlValue("@account", account.Value), new SqlValue("@key", key)], ReadEntry),
            cancellationToken
        );
        return found.SingleOrDefault();
    }

    public async Task<IReadOnlyList<LedgerEntry>> ListEntriesAsync(
        AccountId account,
        long beforeSequence,
        int limit,
        CancellationToken cancellationToken
    )
    {
        PageLimit.Check(limit);
        return await store.ReadListAsync(
            database =>
                database.Query(
                    Newest,
                    [
                        new SqlValue("@account", account.Value),
                        new SqlValue("@before", beforeSequence),
                        new SqlValue("@limit", limit),
                    ],
                    ReadEntry
                ),
            cancellationToken
        );
    }

    public async Task<MicroEuro> SumAsync(AccountId account, CancellationToken cancellationToken) =>
        await store.ReadListAsync(
            database =>
                database.Query(Sum, [new SqlValue("@account", account.Value)], row => new MicroEuro(row.Number(0)))[0],
            cancellationToken
        );

    private static LedgerEntry ReadEntry(SqliteStatement row) =>
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

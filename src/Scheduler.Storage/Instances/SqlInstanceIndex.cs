using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Storage.PostgreSql;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.Instances;

internal sealed class SqlInstanceIndex(ISqlStore store, ILogger<SqlInstanceIndex> logger) : IInstanceIndex
{
    private const int MostCounted = 1_000_000;

    private const string Count = "SELECT state, COUNT(*) FROM instances WHERE state <> 'Deleted' GROUP BY state";

    private const string CountOfAccount =
        "SELECT state, COUNT(*) FROM instances WHERE account = @account AND state <> 'Deleted' GROUP BY state";

    public async Task<InstancePage> ListAsync(InstanceQuery query, CancellationToken cancellationToken)
    {
        PageLimit.Check(query.Limit);
        // One extra row shows whether there is another page.
        var (sql, values) = InstanceListSql.Build(query, query.Limit + 1);
        var rows = await store.ListAsync(
            sql,
            values,
            row => (Key: ReadKey(row), Payload: row.Bytes(5)),
            cancellationToken
        );
        var page = rows.Take(query.Limit).ToArray();
        var next = rows.Count > query.Limit ? InstanceOrder.Cut(query.Sort, page[^1].Key) : null;
        var records = StoredList.Read<InstanceRecord>(
            "instance",
            [.. page.Select(row => (row.Key.Id.Value, row.Payload))],
            logger
        );
        return new InstancePage(records, next);
    }

    public async Task<long> CountAsync(InstanceQuery query, int most, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(most);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(most, MostCounted);
        var (sql, values) = InstanceListSql.BuildCount(query, most);
        return (await store.ListAsync(sql, values, row => row.Number(0), cancellationToken))[0];
    }

    public async Task<MicroEuro> SumBurnAsync(InstanceQuery query, int most, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(most);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(most, MostCounted);
        if (!query.States.IsDefaultOrEmpty && !query.States.Contains(InstanceState.Running))
        {
            return MicroEuro.Zero;
        }

        var (sql, values) = InstanceListSql.BuildBurn(query, most);
        return (await store.ListAsync(sql, values, row => new MicroEuro(row.Number(0)), cancellationToken))[0];
    }

    public async Task<ImmutableArray<InstanceRecord>> ListByAllocationAsync(
        string allocation,
        AccountId? account,
        int limit,
        CancellationToken cancellationToken
    )
    {
        PageLimit.Check(limit);
        List<SqlValue> values = [new("@allocation", allocation), new("@limit", limit)];
        if (account is { } owner)
        {
            values.Add(new SqlValue("@account", owner.Value));
        }

        var rows = await store.ListAsync(
            InstanceListSql.ByAllocation(
                store is PostgreSqlStore ? "CAST(s.payload AS json)" : "s.payload",
                isOfAccount: account is not null
            ),
            [.. values],
            row => (row.Text(0), row.Bytes(1)),
            cancellationToken
        );
        return StoredList.Read<InstanceRecord>("instance", rows, logger);
    }

    public async Task<ImmutableSortedDictionary<InstanceState, long>> CountByStateAsync(
        AccountId? account,
        CancellationToken cancellationToken
    )
    {
        var rows = await store.ListAsync(
            account is null ? Count : CountOfAccount,
            account is null ? [] : [new SqlValue("@account", account.Value.Value)],
            row => (State: Enum.Parse<InstanceState>(row.Text(0)), Count: row.Number(1)),
            cancellationToken
        );
        return rows.ToImmutableSortedDictionary(row => row.State, row => row.Count);
    }

    private static InstanceCursor ReadKey(ISqlRow row) =>
        new(row.Time(1), new InstanceId(row.Text(0)))
        {
            UpdatedAt = row.Time(2),
            ServingName = row.Text(3),
            BurnPerHour = new MicroEuro(row.Number(4)),
        };
}

using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.Entities;

internal sealed class SqlEntityIndex(ISqlStore store, ILogger<SqlEntityIndex> logger) : IEntityIndex
{
    private const string All =
        "SELECT id, payload FROM states WHERE kind = @kind AND id > @after AND payload IS NOT NULL ORDER BY id LIMIT @limit";

    private const string OfAccount =
        "SELECT e.id, s.payload FROM entities AS e JOIN states AS s USING (state_id) "
        + "WHERE e.kind = @kind AND e.account = @account AND e.id > @after ORDER BY e.id LIMIT @limit";

    private const string WithoutAccount =
        "SELECT e.id, s.payload FROM entities AS e JOIN states AS s USING (state_id) "
        + "WHERE e.kind = @kind AND e.account IS NULL AND e.id > @after ORDER BY e.id LIMIT @limit";

    private const string Count = "SELECT COUNT(*) FROM entities WHERE kind = @kind AND account = @account AND id = @id";

    public async Task<bool> HasAsync(string kind, AccountId account, string id, CancellationToken cancellationToken)
    {
        SqlValue[] values = [new("@kind", kind), new("@account", account.Value), new("@id", id)];
        return (await store.ListAsync(Count, values, row => row.Number(0), cancellationToken))[0] > 0;
    }

    public Task<IReadOnlyList<T>> ListAsync<T>(
        string kind,
        AccountId? account,
        string afterId,
        int limit,
        CancellationToken cancellationToken
    )
        where T : class, IStoredState =>
        FillAsync<T>(account is null ? All : OfAccount, kind, account, afterId, limit, cancellationToken);

    public Task<IReadOnlyList<T>> ListWithoutAccountAsync<T>(
        string kind,
        string afterId,
        int limit,
        CancellationToken cancellationToken
    )
        where T : class, IStoredState => FillAsync<T>(WithoutAccount, kind, null, afterId, limit, cancellationToken);

    private async Task<IReadOnlyList<T>> FillAsync<T>(
        string sql,
        string kind,
        AccountId? account,
        string afterId,
        int limit,
        CancellationToken cancellationToken
    )
        where T : class, IStoredState
    {
        PageLimit.Check(limit);
        var states = new List<T>();
        while (states.Count < limit)
        {
            var wanted = limit - states.Count;
            var rows = await ReadAsync(sql, kind, account, afterId, wanted, cancellationToken);
            states.AddRange(StoredList.Read<T>(kind, rows, logger));
            if (rows.Count < wanted)
            {
                break;
            }

            // Unreadable rows are replaced by the next ones, so that only the last page of a list is short.
            afterId = rows[^1].Id;
        }

        return states;
    }

    private Task<List<(string Id, byte[] Payload)>> ReadAsync(
        string sql,
        string kind,
        AccountId? account,
        string afterId,
        int limit,
        CancellationToken cancellationToken
    )
    {
        List<SqlValue> values = [new("@kind", kind), new("@after", afterId), new("@limit", limit)];
        if (account is { } owner)
        {
            values.Add(new SqlValue("@account", owner.Value));
        }

        return store.ListAsync(sql, [.. values], row => (Id: row.Text(0), Payload: row.Bytes(1)), cancellationToken);
    }
}

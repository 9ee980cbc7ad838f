using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;
using Scheduler.Storage.Sqlite;

namespace Scheduler.Storage.Entities;

/// <summary>The table <c>entities</c>, joined with the stored states.</summary>
internal sealed class SqliteEntityIndex(SqliteStore store, ILogger<SqliteEntityIndex> logger) : IEntityIndex
{
    private const string All =
        "SELECT id, payload FROM states WHERE kind = @kind AND id > @after AND payload IS NOT NULL ORDER BY id LIMIT @limit";

    private const string OfAccount =
        "SELECT e.id, s.payload FROM entities AS e JOIN states AS s USING (state_id) "
        + "WHERE e.kind = @kind AND e.account = @account AND e.id > @after ORDER BY e.id LIMIT @limit";

    public async Task<IReadOnlyList<T>> ListAsync<T>(
        string kind,
        AccountId? account,
        string afterId,
        int limit,
        CancellationToken cancellationToken
    )
        where T : class, IStoredState
    {
        PageLimit.Check(limit);
        SqlValue[] values =
        [
            new("@kind", kind),
            new("@account", account?.Value),
            new("@after", afterId),
            new("@limit", limit),
        ];
        var rows = await store.ReadListAsync(
            database =>
                database.Query(
                    account is null ? All : OfAccount,
                    values,
                    row => (Id: row.Text(0), Payload: row.Bytes(1).ToArray())
                ),
            cancellationToken
        );
        return StoredList.Read<T>(kind, rows, logger);
    }
}

using System.Text.Json;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Requests;
using Scheduler.Storage.PostgreSql;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.Requests;

internal sealed class SqlRequestLog(ISqlStore store) : IRequestLog
{
    /// <summary>Rows deleted in one transaction, so that a state's write waits only milliseconds for it.</summary>
    private const int AtOnce = 2000;

    private const string Columns = "CAST(request AS TEXT)";

    private const string Add =
        "INSERT INTO requests (request_id, correlation_id, account, at, is_refused, request) VALUES (@id, @correlation, @account, @at, @refused, ";

    private const string IfNew = ") ON CONFLICT (request_id) DO NOTHING";

    private const string OfAccount = " AND account = @account";

    private const string Newest = " ORDER BY at DESC, request_id DESC LIMIT @limit";

    public async Task AddAsync(IReadOnlyList<AnsweredRequest> requests, CancellationToken cancellationToken)
    {
        var sql = Add + (store is PostgreSqlStore ? "CAST(@request AS jsonb)" : "@request") + IfNew;
        await store.ExecuteTogetherAsync([.. requests.Select(request => (sql, ValuesOf(request)))], cancellationToken);
    }

    public async Task<IReadOnlyList<AnsweredRequest>> FindAsync(
        string id,
        AccountId? account,
        DateTimeOffset since,
        int limit,
        CancellationToken cancellationToken
    )
    {
        PageLimit.Check(limit);
        var mine = account is null ? "" : OfAccount;
        return await ReadAsync(
            $"SELECT {Columns}, at, request_id FROM requests WHERE request_id = @id AND at >= @since{mine} "
                + $"UNION SELECT {Columns}, at, request_id FROM requests WHERE correlation_id = @id AND at >= @since{mine}",
            account,
            [new("@id", id), new("@since", since), new("@limit", limit)],
            cancellationToken
        );
    }

    public async Task<IReadOnlyList<AnsweredRequest>> ListAsync(
        AccountId? account,
        bool onlyRefused,
        DateTimeOffset since,
        int limit,
        CancellationToken cancellationToken
    )
    {
        PageLimit.Check(limit);
        return await ReadAsync(
            $"SELECT {Columns} FROM requests WHERE at >= @since{(account is null ? "" : OfAccount)}{(onlyRefused ? " AND is_refused = 1" : "")}",
            account,
            [new("@since", since), new("@limit", limit)],
            cancellationToken
        );
    }

    public async Task ForgetAsync(DateTimeOffset before, int kept, CancellationToken cancellationToken)
    {
        await ForgetAsync("at <= @before", [new("@before", before)], cancellationToken);
        var full = await store.ListAsync(
            "SELECT account FROM requests GROUP BY account HAVING COUNT(*) > @kept",
            [new("@kept", kept)],
            row => row.Text(0),
            cancellationToken
        );
        foreach (var account in full)
        {
            SqlValue[] values = [new("@account", account), new("@kept", kept)];
            var newest = await store.ListAsync(
                "SELECT at FROM requests WHERE account = @account ORDER BY at DESC LIMIT 1 OFFSET @kept",
                values,
                row => row.Time(0),
                cancellationToken
            );
            if (newest is [var cut])
            {
                await ForgetAsync(
                    "account = @account AND at <= @before",
                    [new("@account", account), new("@before", cut)],
                    cancellationToken
                );
            }
        }
    }

    /// <summary>Deletes the rows of a condition on <c>@before</c>, oldest first, a part at a time.</summary>
    private async Task ForgetAsync(string condition, SqlValue[] values, CancellationToken cancellationToken)
    {
        while (true)
        {
            var part = await store.ListAsync(
                $"SELECT at FROM requests WHERE {condition} ORDER BY at LIMIT 1 OFFSET @part",
                [.. values, new("@part", AtOnce)],
                row => row.Time(0),
                cancellationToken
            );
            SqlValue[] narrowed = part is [var until]
                ? [.. values.Where(value => value.Name != "@before"), new("@before", until)]
                : values;
            await store.ExecuteTogetherAsync(
                [($"DELETE FROM requests WHERE {condition}", narrowed)],
                cancellationToken
            );
            if (part.Count == 0)
            {
                return;
            }
        }
    }

    private async Task<IReadOnlyList<AnsweredRequest>> ReadAsync(
        string sql,
        AccountId? account,
        List<SqlValue> values,
        CancellationToken cancellationToken
    )
    {
        if (account is { } own)
        {
            values.Add(new("@account", own.Value));
        }

        return await store.ListAsync(
            sql + Newest,
            [.. values],
            row => JsonSerializer.Deserialize<AnsweredRequest>(row.Bytes(0), StateSerializer.Options)!,
            cancellationToken
        );
    }

    private static SqlValue[] ValuesOf(AnsweredRequest request) =>
        [
            new("@id", request.Id.Value),
            new("@correlation", request.CorrelationId),
            new("@account", request.Account?.Value ?? ""),
            new("@at", request.At),
            new("@refused", request.Code == AnsweredRequest.Ok ? 0L : 1L),
            new("@request", JsonSerializer.Serialize(request, StateSerializer.Options)),
        ];
}

using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Storage.PostgreSql;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.Events;

internal sealed class SqlEventLog(ISqlStore store) : IEventLog
{
    private const string Columns =
        "sequence, at, trigger, from_state, to_state, reason, request_id, actor, code, CAST(data AS TEXT), kind, id, account";

    private const string BySubject =
        $"SELECT {Columns} FROM events WHERE kind = @kind AND id = @id AND sequence > @after ORDER BY sequence LIMIT @limit";

    private const string ByRequest =
        $"SELECT {Columns} FROM events WHERE request_id = @request AND (CAST(@account AS TEXT) IS NULL OR account = @account) ORDER BY at, kind, id, sequence LIMIT @limit";

    private const string NewestFirst = "ORDER BY at DESC, id DESC, sequence DESC LIMIT @limit";

    // The row id grows with every event, because SQLite has one writer and events are never deleted.
    private const string SqlitePulse = "SELECT COALESCE(MAX(rowid), 0) FROM events";

    /// <summary>
    /// Number of finished write transactions in the statement's snapshot: all transaction ids below <c>xmax</c>, minus
    /// the running ones. A sequence number in the rows would not work: a transaction with a smaller number may commit
    /// later, and the maximum would not change. This value grows by one whenever a transaction ends, in any order.
    /// Either the transaction was among the running ones, or <c>xmax</c> moves past it. It needs no row and no lock. It
    /// also changes for transactions without events and for other databases of the server.
    /// </summary>
    private const string PostgreSqlPulse =
        "SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) - (SELECT COUNT(*) FROM pg_snapshot_xip(pg_current_snapshot()))";

    // A constant list of all known codes: the SQL text stays the same, so it is prepared once, and each code is one
    // range of the index.
    private static readonly string KnownCodes = string.Join(
        ", ",
        Enum.GetValues<FailureCode>().Where(code => code != FailureCode.None).Select(code => $"'{code.WireName()}'")
    );

    public async Task<IReadOnlyList<StoredEvent>> ReadAsync(
        string kind,
        string id,
        long afterSequence,
        int limit,
        CancellationToken cancellationToken
    )
    {
        PageLimit.Check(limit);
        SqlValue[] values = [new("@kind", kind), new("@id", id), new("@after", afterSequence), new("@limit", limit)];
        return await store.ListAsync(BySubject, values, ReadEvent, cancellationToken);
    }

    public async Task<IReadOnlyList<SubjectEvent>> ReadByRequestAsync(
        RequestId requestId,
        AccountId? account,
        int limit,
        CancellationToken cancellationToken
    )
    {
        PageLimit.Check(limit);
        SqlValue[] values = [new("@request", requestId.Value), new("@account", account?.Value), new("@limit", limit)];
        return await store.ListAsync(
            ByRequest,
            values,
            row => new SubjectEvent(ReadSubject(row), ReadEvent(row)),
            cancellationToken
        );
    }

    public async Task<IReadOnlyList<SubjectEvent>> ReadFailuresAsync(
        FailureCode code,
        AccountId? account,
        int limit,
        CancellationToken cancellationToken
    )
    {
        PageLimit.Check(limit);
        ArgumentOutOfRangeException.ThrowIfEqual(code, FailureCode.None);
        return await store.ListAsync(
            $"SELECT {Columns} FROM events WHERE {OfInstances} AND code IS NOT NULL AND code = @code{OfAccount(account)} {NewestFirst}",
            [new("@code", code.WireName()), new("@limit", limit), new("@account", account?.Value)],
            row => new SubjectEvent(ReadSubject(row), ReadEvent(row)),
            cancellationToken
        );
    }

    public async Task<IReadOnlyList<FailureCount>> CountFailuresAsync(
        AccountId? account,
        DateTimeOffset until,
        TimeSpan window,
        int buckets,
        CancellationToken cancellationToken
    )
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(buckets);
        ArgumentOutOfRangeException.ThrowIfLessThan(window, TimeSpan.FromMilliseconds(1));
        var since = until - window;
        SqlValue[] values =
        [
            new("@since", since),
            new("@until", until),
            new("@start", since.ToUnixTimeMilliseconds()),
            new("@buckets", (long)buckets),
            new("@length", window.Ticks / TimeSpan.TicksPerMillisecond),
            new("@account", account?.Value),
        ];
        // The -1 before the division makes each bucket include its end and exclude its start.
        var sql =
            $"SELECT code, bucket, COUNT(*) FROM (SELECT code, (({Milliseconds} - @start) * @buckets - 1) / @length AS bucket FROM events "
            + $"WHERE {OfInstances} AND code IS NOT NULL AND code IN ({KnownCodes}){OfAccount(account)} AND at > @since AND at <= @until) AS f "
            + "GROUP BY code, bucket ORDER BY code, bucket";
        return await store.ListAsync(
            sql,
            values,
            row =>
                FailureCodes.TryParse(row.Text(0), out var code)
                    ? new FailureCount(code, (int)row.Number(1), row.Number(2))
                    : throw new UnreachableException(),
            cancellationToken
        );
    }

    public async Task<long> PulseAsync(CancellationToken cancellationToken) =>
        (
            await store.ListAsync(
                store is PostgreSqlStore ? PostgreSqlPulse : SqlitePulse,
                [],
                row => row.Number(0),
                cancellationToken
            )
        )[0];

    /// <summary>The column <c>at</c> as milliseconds since 1970.</summary>
    private string Milliseconds =>
        store is PostgreSqlStore
            ? "CAST(round(date_part('epoch', at) * 1000) AS bigint)"
            : "(unixepoch(at) * 1000 + CAST(substr(at, 21, 3) AS INTEGER))";

    // SQLite has no table statistics here. Without the unary + it would use an index on kind and read all events of all
    // instances.
    private string OfInstances => store is PostgreSqlStore ? "kind = 'instance'" : "+kind = 'instance'";

    private static string OfAccount(AccountId? account) => account is null ? "" : " AND account = @account";

    private static EventSubject ReadSubject(ISqlRow row) =>
        new(row.Text(10), row.Text(11), row.TextOrNull(12) is { } account ? new AccountId(account) : null);

    private static StoredEvent ReadEvent(ISqlRow row) =>
        new()
        {
            Sequence = row.Number(0),
            At = row.Time(1),
            Trigger = row.Text(2),
            From = row.TextOrNull(3),
            To = row.TextOrNull(4),
            Reason = row.Text(5),
            RequestId = row.TextOrNull(6) is { } request ? new RequestId(request) : default,
            Actor = row.Text(7),
            // A code of a newer version becomes None; the reason still describes the failure.
            Code = row.TextOrNull(8) is { } name && FailureCodes.TryParse(name, out var code) ? code : FailureCode.None,
            Data =
                JsonSerializer.Deserialize<ImmutableSortedDictionary<string, string>>(
                    row.Text(9),
                    StateSerializer.Options
                ) ?? ImmutableSortedDictionary<string, string>.Empty,
        };
}

using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Storage.PostgreSql;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.Events;

/// <summary>The table <c>events</c>.</summary>
internal sealed class SqlEventLog(ISqlStore store) : IEventLog
{
    private const string Columns =
        "sequence, at, trigger, from_state, to_state, reason, request_id, actor, code, CAST(data AS TEXT), kind, id, account";

    private const string BySubject =
        $"SELECT {Columns} FROM events WHERE kind = @kind AND id = @id AND sequence > @after ORDER BY sequence LIMIT @limit";

    private const string ByRequest =
        $"SELECT {Columns} FROM events WHERE request_id = @request AND (CAST(@account AS TEXT) IS NULL OR account = @account) ORDER BY at, kind, id, sequence LIMIT @limit";

    private const string NewestFirst = "ORDER BY at DESC, id DESC, sequence DESC LIMIT @limit";

    // The history of the table is its order of writing: one writer, nothing deleted.
    private const string SqlitePulse = "SELECT COALESCE(MAX(rowid), 0) FROM events";

    /// <summary>
    /// How many transactions that write are over, as the statement's snapshot sees it: those below its end, less those under way. Numbers
    /// drawn by the rows would not do: a transaction that drew a smaller one may commit after it was read, and the greatest stays what
    /// it was. Here every end of a transaction adds one, whatever the order: either it was counted among those under way, or the end moves
    /// past it. It costs no row and no lock, and a transaction that wrote no event, or one in another database of the server, makes it
    /// change as well.
    /// </summary>
    private const string PostgreSqlPulse =
        "SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) - (SELECT COUNT(*) FROM pg_snapshot_xip(pg_current_snapshot()))";

    // All that are known, as text of ours: a list of a fixed length is prepared once, and each code is one range of the index.
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
        // One less before the division, so that each stretch has its end and not its beginning.
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

    // Without the sign SQLite, which keeps no figures of its rows, goes through all that ever happened to instances.
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
            // A code of a newer version is shown as none; its words are in the reason.
            Code = row.TextOrNull(8) is { } name && FailureCodes.TryParse(name, out var code) ? code : FailureCode.None,
            Data =
                JsonSerializer.Deserialize<ImmutableSortedDictionary<string, string>>(
                    row.Text(9),
                    StateSerializer.Options
                ) ?? ImmutableSortedDictionary<string, string>.Empty,
        };
}

using System.Collections.Immutable;
using System.Text.Json;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
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

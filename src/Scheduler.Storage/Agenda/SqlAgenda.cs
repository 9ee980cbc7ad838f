using Scheduler.Domain.Storage;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.Agenda;

internal sealed class SqlAgenda(ISqlStore store) : IAgenda
{
    private const string Due =
        "SELECT kind, id, wake_at FROM agenda WHERE wake_at <= @now AND state_id % @of = @share ORDER BY wake_at LIMIT @limit";

    private const string Remove =
        "DELETE FROM agenda WHERE state_id = (SELECT state_id FROM states WHERE kind = @kind AND id = @id AND n0 = 0 AND n1 = 0) AND wake_at = @at";

    private const string Move =
        "UPDATE agenda SET wake_at = @next WHERE state_id = (SELECT state_id FROM states WHERE kind = @kind AND id = @id AND n0 = 0 AND n1 = 0) AND wake_at = @at";

    public async Task<IReadOnlyList<AgendaItem>> DueAsync(
        DateTimeOffset now,
        AgendaShare share,
        int limit,
        CancellationToken cancellationToken
    )
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        return await store.ListAsync(
            Due,
            [
                new SqlValue("@now", now),
                new SqlValue("@of", share.Of),
                new SqlValue("@share", share.Index),
                new SqlValue("@limit", limit),
            ],
            row => new AgendaItem(row.Text(0), row.Text(1), row.Time(2)),
            cancellationToken
        );
    }

    public Task SettleAsync(
        IReadOnlyList<(AgendaItem Item, DateTimeOffset? Next)> answers,
        CancellationToken cancellationToken
    )
    {
        return answers.Count == 0
            ? Task.CompletedTask
            : store.ExecuteTogetherAsync([.. answers.Select(Settle)], cancellationToken);
    }

    private static (string Sql, SqlValue[] Values) Settle((AgendaItem Item, DateTimeOffset? Next) answer)
    {
        var (item, next) = answer;
        var kind = new SqlValue("@kind", item.Kind);
        var id = new SqlValue("@id", item.Id);
        var at = new SqlValue("@at", item.WakeAt);
        return next is null ? (Remove, [kind, id, at]) : (Move, [kind, id, at, new SqlValue("@next", next)]);
    }
}

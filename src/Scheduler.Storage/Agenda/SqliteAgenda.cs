using Scheduler.Domain.Storage;
using Scheduler.Storage.Sqlite;

namespace Scheduler.Storage.Agenda;

/// <summary>The table <c>agenda</c>.</summary>
internal sealed class SqliteAgenda(SqliteStore store) : IAgenda
{
    private const string Due =
        "SELECT kind, id, wake_at FROM agenda WHERE wake_at <= @now ORDER BY wake_at LIMIT @limit";

    private const string Strike =
        "DELETE FROM agenda WHERE state_id = (SELECT state_id FROM states WHERE kind = @kind AND id = @id) AND wake_at = @at";

    private const string Move =
        "UPDATE agenda SET wake_at = @next WHERE state_id = (SELECT state_id FROM states WHERE kind = @kind AND id = @id) AND wake_at = @at";

    public async Task<IReadOnlyList<AgendaItem>> DueAsync(
        DateTimeOffset now,
        int limit,
        CancellationToken cancellationToken
    )
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        return await store.ReadListAsync(
            database =>
                database.Query(
                    Due,
                    [new SqlValue("@now", now), new SqlValue("@limit", limit)],
                    row => new AgendaItem(row.Text(0), row.Text(1), row.Time(2))
                ),
            cancellationToken
        );
    }

    public Task SettleAsync(
        IReadOnlyList<(AgendaItem Item, DateTimeOffset? Next)> answers,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(answers);
        return answers.Count == 0
            ? Task.CompletedTask
            : store.WriteAsync(database => database.Together(d => Settle(d, answers)), cancellationToken);
    }

    private static int Settle(SqliteDatabase database, IReadOnlyList<(AgendaItem Item, DateTimeOffset? Next)> answers)
    {
        var settled = 0;
        foreach (var (item, next) in answers)
        {
            settled += database.Execute(
                next is null ? Strike : Move,
                new SqlValue("@kind", item.Kind),
                new SqlValue("@id", item.Id),
                new SqlValue("@at", item.WakeAt),
                new SqlValue("@next", next)
            );
        }

        return settled;
    }
}

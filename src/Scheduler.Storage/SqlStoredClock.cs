using Scheduler.Domain.Storage;
using Scheduler.Storage.PostgreSql;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage;

internal sealed class SqlStoredClock(ISqlStore store) : IStoredClock
{
    private const string IsMeasuring =
        "SELECT COUNT(*) FROM instances WHERE state IN ('Provisioning', 'Starting', 'Running', 'Stopping')";

    private const string Set =
        "ON CONFLICT (id) DO UPDATE SET scheduler_time = excluded.scheduler_time, wall = excluded.wall";

    private const string Wall = "SELECT clock_timestamp()";

    private bool HasOwnClock => store is PostgreSqlStore;

    public StoredTime Read()
    {
        var marks = store.List(
            "SELECT scheduler_time, wall FROM clock",
            row => new ClockMark(row.Time(0), row.Time(1))
        );
        var isMeasuring = store.List(IsMeasuring, row => row.Number(0))[0] > 0;
        // Last, so that no time passes between it and the start of the scheduler's time.
        DateTimeOffset? wall = HasOwnClock ? store.List(Wall, row => row.Time(0))[0] : null;
        return new StoredTime(marks.FirstOrDefault(), wall, isMeasuring);
    }

    public Task WriteAsync(DateTimeOffset time, DateTimeOffset wall, CancellationToken cancellationToken) =>
        store.ExecuteTogetherAsync(
            [
                HasOwnClock
                    ? (
                        $"INSERT INTO clock (id, scheduler_time, wall) VALUES (1, @time, clock_timestamp()) {Set}",
                        [new SqlValue("@time", time)]
                    )
                    : (
                        $"INSERT INTO clock (id, scheduler_time, wall) VALUES (1, @time, @wall) {Set}",
                        [new SqlValue("@time", time), new SqlValue("@wall", wall)]
                    ),
            ],
            cancellationToken
        );

    public async Task<DateTimeOffset?> WallAsync(CancellationToken cancellationToken) =>
        HasOwnClock ? (await store.ListAsync(Wall, [], row => row.Time(0), cancellationToken))[0] : null;
}

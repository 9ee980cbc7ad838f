using Scheduler.Domain.Storage;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage;

internal sealed class SqlStoreProbe(ISqlStore store) : IStoreProbe
{
    private const string Write =
        "INSERT INTO probes (id, at) VALUES (1, @at) ON CONFLICT (id) DO UPDATE SET at = excluded.at";

    public Task WriteAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        store.ExecuteTogetherAsync([(Write, [new SqlValue("@at", now)])], cancellationToken);
}

using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Storage.PostgreSql;
using Scheduler.Storage.Sqlite;

namespace Scheduler.Storage;

/// <param name="Store">File path, or <c>host:port/database</c> without credentials.</param>
/// <param name="From">Version before; 0 for an empty store.</param>
public sealed record SchemaChange(string Store, int From, int To)
{
    /// <summary>
    /// Upgrades the schema of the configured store to the version of this build, even if
    /// <see cref="PostgreSqlOptions.Migrate"/> is false.
    /// </summary>
    /// <exception cref="StorageUnusableException">The store cannot be used; it was not changed.</exception>
    public static SchemaChange Make(StorageOptions options, TimeProvider clock, ILogger? logger = null)
    {
        logger ??= NullLogger.Instance;
        return options.PostgreSql.IsSet
            ? PostgreSqlStore.Migrate(options, clock, logger)
            : SqliteStore.Migrate(options, clock, logger);
    }

    public override string ToString() =>
        From == To
            ? $"The schema of {Store} has version {To} already; nothing was changed."
            : $"The schema of {Store} was brought from version {From} to {To}.";
}

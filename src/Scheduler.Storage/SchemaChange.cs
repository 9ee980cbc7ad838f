using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Storage.PostgreSql;
using Scheduler.Storage.Sqlite;

namespace Scheduler.Storage;

/// <summary>What became of a store's schema.</summary>
/// <param name="Store">The file or the database, without any password.</param>
/// <param name="From">Its version before; 0 for an empty store.</param>
/// <param name="To">Its version now.</param>
public sealed record SchemaChange(string Store, int From, int To)
{
    /// <summary>Brings the schema of the configured store to the version this code knows; <see cref="PostgreSqlOptions.Migrate"/> is not asked.</summary>
    /// <param name="options">Which store.</param>
    /// <param name="clock">Stamps the change.</param>
    /// <param name="logger">Told of each step; null for silence.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">A setting is wrong.</exception>
    /// <exception cref="StorageUnusableException">The store cannot be used; it was left as it is.</exception>
    public static SchemaChange Make(StorageOptions options, TimeProvider clock, ILogger? logger = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.ThrowIfFaulty();
        logger ??= NullLogger.Instance;
        return options.PostgreSql.IsSet
            ? PostgreSqlStore.Migrate(options, clock, logger)
            : SqliteStore.Migrate(options, clock, logger);
    }

    /// <summary>As it is told to the operator.</summary>
    public override string ToString() =>
        From == To
            ? $"The schema of {Store} has version {To} already; nothing was changed."
            : $"The schema of {Store} was brought from version {From} to {To}.";
}

using Microsoft.Extensions.Logging;

namespace Scheduler.Storage;

internal static partial class StorageLog
{
    [LoggerMessage(
        2101,
        LogLevel.Information,
        "Opened store {Path}: schema version {SchemaVersion}, synchronous {Synchronous}"
    )]
    public static partial void Opened(this ILogger logger, string path, int schemaVersion, string synchronous);

    [LoggerMessage(2102, LogLevel.Information, "Store {Path}: applied schema script {Script}")]
    public static partial void Migrated(this ILogger logger, string path, string script);

    [LoggerMessage(2103, LogLevel.Error, "Commit of {Statements} statements failed; their callers receive the error")]
    public static partial void CommitFailed(this ILogger logger, Exception exception, int statements);

    [LoggerMessage(
        2104,
        LogLevel.Warning,
        "Checkpoint at shutdown failed; the next start merges the write-ahead log into the store"
    )]
    public static partial void CheckpointFailed(this ILogger logger, Exception exception);

    [LoggerMessage(2105, LogLevel.Error, "Cannot read the stored state of {Kind} {Id}; the list omits it")]
    public static partial void SkippedUnreadable(this ILogger logger, Exception exception, string kind, string id);

    [LoggerMessage(2106, LogLevel.Error, "Rollback failed; reopening the connection")]
    public static partial void RollbackFailed(this ILogger logger, Exception exception);

    [LoggerMessage(2107, LogLevel.Information, "Connected to database {Database}: schema version {SchemaVersion}")]
    public static partial void Connected(this ILogger logger, string database, int schemaVersion);
}

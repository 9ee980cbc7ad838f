using Microsoft.Extensions.Logging;

namespace Scheduler.Storage;

internal static partial class StorageLog
{
    [LoggerMessage(
        1,
        LogLevel.Information,
        "Opened store {Path}: schema version {SchemaVersion}, synchronous {Synchronous}"
    )]
    public static partial void Opened(this ILogger logger, string path, int schemaVersion, string synchronous);

    [LoggerMessage(2, LogLevel.Information, "Store {Path}: applied schema script {Script}")]
    public static partial void Migrated(this ILogger logger, string path, string script);

    [LoggerMessage(3, LogLevel.Error, "Commit of {Statements} statements failed; their callers receive the error")]
    public static partial void CommitFailed(this ILogger logger, Exception exception, int statements);

    [LoggerMessage(
        4,
        LogLevel.Warning,
        "Checkpoint at shutdown failed; the next start merges the write-ahead log into the store"
    )]
    public static partial void CheckpointFailed(this ILogger logger, Exception exception);

    [LoggerMessage(5, LogLevel.Error, "Cannot read the stored state of {Kind} {Id}; the list omits it")]
    public static partial void SkippedUnreadable(this ILogger logger, Exception exception, string kind, string id);

    [LoggerMessage(6, LogLevel.Error, "Rollback failed; reopening the connection")]
    public static partial void RollbackFailed(this ILogger logger, Exception exception);

    [LoggerMessage(7, LogLevel.Information, "Connected to database {Database}: schema version {SchemaVersion}")]
    public static partial void Connected(this ILogger logger, string database, int schemaVersion);
}

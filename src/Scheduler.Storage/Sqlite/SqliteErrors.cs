using Microsoft.Data.Sqlite;
using Scheduler.Domain.Storage;
using SQLitePCL;

namespace Scheduler.Storage.Sqlite;

/// <summary>Turns SQLite's result codes into exceptions that say what to do.</summary>
internal static class SqliteErrors
{
    /// <summary>Throws when a call did not succeed.</summary>
    /// <param name="result">What the call returned.</param>
    /// <param name="handle">The connection it was made on.</param>
    public static void Check(int result, sqlite3 handle)
    {
        if (result is raw.SQLITE_OK or raw.SQLITE_ROW or raw.SQLITE_DONE)
        {
            return;
        }

        var text = raw.sqlite3_errmsg(handle).utf8_to_string();
        throw new SqliteException($"SQLite error {result}: {text}", result, raw.sqlite3_extended_errcode(handle));
    }

    /// <summary>What a caller of a statement sees; exceptions with no better name stay as they are.</summary>
    public static Exception Describe(Exception exception) =>
        exception is SqliteException { SqliteErrorCode: raw.SQLITE_FULL } full
            ? new StorageFullException(
                "The store is full: nothing of this write was kept. Make room on its disk; writes then succeed again.",
                full
            )
        : exception is SqliteException { SqliteErrorCode: raw.SQLITE_IOERR } io
            ? new StorageException(
                $"The store's disk failed (SQLite I/O error {io.SqliteExtendedErrorCode}): nothing of this write was kept.",
                io
            )
        : exception;

    /// <summary>What the callers of a batch see whose COMMIT failed. Only a full disk is known to have kept nothing.</summary>
    public static Exception DescribeCommit(Exception exception) =>
        exception is SqliteException { SqliteErrorCode: raw.SQLITE_FULL }
            ? Describe(exception)
            : new StorageOutcomeUnknownException("The commit failed; the write may or may not be there.", exception);
}

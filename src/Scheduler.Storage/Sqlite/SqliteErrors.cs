using Microsoft.Data.Sqlite;
using Scheduler.Domain.Storage;
using SQLitePCL;

namespace Scheduler.Storage.Sqlite;

/// <summary>Maps SQLite's result codes to exceptions with a remedy.</summary>
internal static class SqliteErrors
{
    /// <exception cref="SqliteException">The result code is an error.</exception>
    public static void Check(int result, sqlite3 handle)
    {
        if (result is raw.SQLITE_OK or raw.SQLITE_ROW or raw.SQLITE_DONE)
        {
            return;
        }

        var text = raw.sqlite3_errmsg(handle).utf8_to_string();
        throw new SqliteException($"SQLite error {result}: {text}", result, raw.sqlite3_extended_errcode(handle));
    }

    /// <summary>Exceptions without a specific mapping are returned unchanged.</summary>
    public static Exception Describe(Exception exception) =>
        exception is SqliteException { SqliteErrorCode: raw.SQLITE_FULL } full
            ? new StorageFullException(
                "The store is full: nothing of this write was kept. Make room on its disk; writes then succeed again.",
                full
            )
        : exception is SqliteException { SqliteErrorCode: raw.SQLITE_READONLY } readOnly
            ? new StorageReadOnlyException(
                "The store's file is read-only: nothing of this write was kept. Make it and its folder writable.",
                readOnly
            )
        : exception is SqliteException { SqliteErrorCode: raw.SQLITE_IOERR } io
            ? new StorageException(
                $"The store's disk failed (SQLite I/O error {io.SqliteExtendedErrorCode}): nothing of this write was kept.",
                io
            )
        : exception;

    /// <summary>
    /// The exception for the callers of a batch whose COMMIT failed. Only for a full disk is it certain that nothing
    /// was stored.
    /// </summary>
    public static Exception DescribeCommit(Exception exception) =>
        exception is SqliteException { SqliteErrorCode: raw.SQLITE_FULL }
            ? Describe(exception)
            : new StorageOutcomeUnknownException("The commit failed; the write may or may not be there.", exception);
}

using Npgsql;
using Scheduler.Domain.Storage;

namespace Scheduler.Storage.PostgreSql;

/// <summary>Maps database and connection errors to exceptions that state whether the write was stored.</summary>
internal static class PostgreSqlErrors
{
    /// <summary>SQLSTATE class of errors that end a session, for example when the server shuts down.</summary>
    private const string OperatorIntervention = "57";

    /// <summary>Whether the server rejected and rolled back the statement; the connection still works.</summary>
    public static bool IsRefusal(Exception exception) =>
        exception is PostgresException { SqlState: var state }
        && !state.StartsWith(OperatorIntervention, StringComparison.Ordinal);

    public static Exception Describe(Exception exception) =>
        exception switch
        {
            PostgresException { SqlState: PostgresErrorCodes.DiskFull } full => new StorageFullException(
                "The database's disk is full: nothing of this write was kept. Make room on it; writes then succeed again.",
                full
            ),
            PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction } readOnly =>
                new StorageReadOnlyException(
                    "The database is read-only, as a standby is: nothing of this write was kept. Connect to its primary.",
                    readOnly
                ),
            StorageException => exception,
            PostgresException refused when IsRefusal(refused) => new StorageException(
                $"The database refused ({refused.SqlState}: {refused.MessageText}{On(refused)}): nothing of this write was kept.",
                refused
            ),
            NpgsqlException or IOException or TimeoutException or ObjectDisposedException =>
                new StorageOutcomeUnknownException(
                    $"The database did not answer ({exception.Message}); the write may or may not be there.",
                    exception
                ),
            _ => exception,
        };

    private static string On(PostgresException refused) =>
        refused.ConstraintName is { } constraint ? $", {constraint}" : "";
}

using Npgsql;
using Scheduler.Domain.Storage;

namespace Scheduler.Storage.PostgreSql;

/// <summary>Turns what the database or the way to it says into exceptions that say what was kept.</summary>
internal static class PostgreSqlErrors
{
    /// <summary>Class of errors by which a server ends sessions, for example at its own shutdown.</summary>
    private const string OperatorIntervention = "57";

    /// <summary>Whether the server itself refused: it rolled the statement back, and the connection is sound.</summary>
    public static bool IsRefusal(Exception exception) =>
        exception is PostgresException { SqlState: var state }
        && !state.StartsWith(OperatorIntervention, StringComparison.Ordinal);

    /// <summary>What a caller of a statement sees.</summary>
    public static Exception Describe(Exception exception) =>
        exception switch
        {
            PostgresException { SqlState: PostgresErrorCodes.DiskFull } full => new StorageFullException(
                "The database's disk is full: nothing of this write was kept. Make room on it; writes then succeed again.",
                full
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

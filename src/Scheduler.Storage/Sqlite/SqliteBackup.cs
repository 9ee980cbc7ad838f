using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Scheduler.Storage.Sqlite;

/// <summary>
/// Copies the store while a scheduler writes to it. The copy is a consistent snapshot: it contains everything that was
/// acknowledged before the copy began. The copy is verified before it gets its final name, so a file with that name can
/// be restored.
/// </summary>
/// <remarks>
/// It uses one read transaction, so writers continue. Meanwhile SQLite cannot checkpoint the write-ahead log, so the
/// log grows. SQLite's page-wise backup would restart whenever the scheduler writes, and under load might never end.
/// </remarks>
public static class SqliteBackup
{
    private const string Unequal = """
        SELECT s.id FROM states AS s
        WHERE s.kind = 'account' AND s.payload IS NOT NULL
          AND s.payload ->> 'balance' <> (SELECT COALESCE(SUM(l.amount), 0) FROM ledger AS l WHERE l.account = s.id)
        LIMIT 1
        """;

    private const string Counts = """
        SELECT (SELECT MAX(version) FROM schema_version), (SELECT COUNT(*) FROM states WHERE kind = 'account'),
          (SELECT COUNT(*) FROM instances WHERE live = 1), (SELECT COUNT(*) FROM ledger)
        """;

    /// <param name="target">Path of the new backup; must not exist.</param>
    /// <exception cref="StorageUnusableException">
    /// There is no store, the target exists, or the copy is damaged; no backup was written.
    /// </exception>
    public static BackupReport Write(string database, string target)
    {
        var (from, to) = (Path.GetFullPath(database), Path.GetFullPath(target));
        if (!File.Exists(from))
        {
            throw new StorageUnusableException($"There is no store at '{from}': nothing was backed up.");
        }

        if (Path.Exists(to))
        {
            throw new StorageUnusableException($"'{to}' exists already; a back-up never overwrites anything.");
        }

        var unnamed = $"{to}.partial";
        File.Delete(unnamed);
        try
        {
            Copy(from, unnamed);
            var report = Verify(unnamed);
            File.Move(unnamed, to, overwrite: false);
            return report;
        }
        catch (Exception exception) when (exception is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new StorageUnusableException($"'{from}' could not be backed up: {exception.Message}", exception);
        }
        finally
        {
            File.Delete(unnamed);
        }
    }

    private static void Copy(string from, string to)
    {
        using (var source = Open(from))
        using (var copy = source.CreateCommand())
        {
            copy.CommandTimeout = 0;
            copy.CommandText = "VACUUM INTO @to";
            copy.Parameters.AddWithValue("@to", to);
            copy.ExecuteNonQuery();
        }

        // SQLite does not flush the file that VACUUM INTO writes.
        using var file = new FileStream(to, FileMode.Open, FileAccess.ReadWrite);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(to, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        file.Flush(flushToDisk: true);
    }

    private static BackupReport Verify(string file)
    {
        using var copy = Open(file);
        var found = Scalar(copy, "PRAGMA quick_check(1)");
        if (found != "ok")
        {
            throw new StorageUnusableException($"The copy is damaged, and so may be the store: {found}");
        }

        if (Scalar(copy, Unequal) is { } account)
        {
            throw new StorageUnusableException(
                $"The ledger of {account} does not add up to its balance: the copy is not kept. Ask before anything else is written."
            );
        }

        using var counts = copy.CreateCommand();
        counts.CommandText = Counts;
        using var row = counts.ExecuteReader();
        row.Read();
        return new BackupReport(
            row.GetInt32(0),
            row.GetInt64(1),
            row.GetInt64(2),
            row.GetInt64(3),
            new FileInfo(file).Length
        );
    }

    private static SqliteConnection Open(string file)
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder
            {
                DataSource = file,
                Mode = SqliteOpenMode.ReadOnly,
                Pooling = false,
            }.ConnectionString
        );
        connection.Open();
        return connection;
    }

    private static string? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        return Convert.ToString(command.ExecuteScalar(), CultureInfo.InvariantCulture) is { Length: > 0 } text
            ? text
            : null;
    }
}

/// <param name="Instances">Instances, without the deleted ones.</param>
public sealed record BackupReport(int SchemaVersion, long Accounts, long Instances, long LedgerEntries, long Bytes);

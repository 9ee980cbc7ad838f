using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Scheduler.Storage.Sql;
using SQLitePCL;

namespace Scheduler.Storage.Sqlite;

/// <summary>Upgrades a file to the schema version of this build, with the scripts in <c>Schema/Sqlite</c>.</summary>
internal static class SqliteSchema
{
    // In bytes. The check reads the whole file, so a larger file would delay the start by seconds. SQLite also detects
    // damage on ordinary reads.
    private const long LargestChecked = 256L << 20;

    private static IReadOnlyList<SchemaScript> Scripts { get; } = SchemaScript.ReadAll("Sqlite");

    /// <summary>Checks the file, then applies the missing scripts in one transaction.</summary>
    /// <exception cref="StorageUnusableException">
    /// The file is damaged, has a newer schema or belongs to another program; it was not changed.
    /// </exception>
    public static SchemaChange Apply(string path, string pragmas, TimeProvider clock, ILogger logger)
    {
        try
        {
            if (new FileInfo(path).Length > 0)
            {
                Inspect(path);
            }

            using var database = SqliteDatabase.Open(path, readOnly: false, $"{pragmas}PRAGMA synchronous=FULL;");
            return Upgrade(database, path, clock, logger);
        }
        catch (SqliteException exception)
        {
            throw Unusable(path, exception);
        }
    }

    public static StorageUnusableException Unusable(string path, SqliteException exception) =>
        new(
            exception.SqliteErrorCode switch
            {
                raw.SQLITE_NOTADB or raw.SQLITE_CORRUPT =>
                    $"The store '{path}' is damaged or is no database ({exception.Message}). It was left as it is: restore a backup, or move it away to start with an empty store.",
                raw.SQLITE_FULL => $"The disk of the store '{path}' is full; nothing was changed.",
                _ => $"The store '{path}' cannot be opened: {exception.Message}",
            },
            exception
        );

    // Uses a separate read-only connection, so that a rejected file does not get a write-ahead log next to it.
    private static void Inspect(string path)
    {
        using var database = SqliteDatabase.Open(path, readOnly: true, "PRAGMA query_only=ON;");
        var version = CurrentVersion(database);
        if (version is null)
        {
            throw new StorageUnusableException(
                $"The file '{path}' is a database of something else: it has tables, but none named schema_version. It was left as it is; set Storage:Sqlite:Path to another file."
            );
        }

        if (version > Scripts[^1].Version)
        {
            throw new StorageUnusableException(
                $"The store '{path}' has schema version {version}; this build knows {Scripts[^1].Version}. It was left as it is: run the newer build, or set Storage:Sqlite:Path to another file."
            );
        }

        if (new FileInfo(path).Length <= LargestChecked)
        {
            var verdict = database.Query("PRAGMA quick_check(1)", [], row => row.Text(0))[0];
            if (!verdict.Equals("ok", StringComparison.Ordinal))
            {
                throw new StorageUnusableException(
                    $"The store '{path}' is damaged ({verdict}). It was left as it is: restore a backup, or move it away to start with an empty store."
                );
            }
        }
    }

    /// <summary>Schema version of the file; 0 for an empty file, null for a file of another program.</summary>
    private static int? CurrentVersion(SqliteDatabase database)
    {
        var tables = database.Query("SELECT name FROM sqlite_schema WHERE type = 'table'", [], row => row.Text(0));
        return tables.Contains("schema_version", StringComparer.Ordinal)
                ? (int)
                    database.Query("SELECT COALESCE(MAX(version), 0) FROM schema_version", [], row => row.Number(0))[0]
            : tables.Count == 0 ? 0
            : null;
    }

    private static SchemaChange Upgrade(SqliteDatabase database, string path, TimeProvider clock, ILogger logger)
    {
        database.Execute("BEGIN IMMEDIATE");
        var version = CurrentVersion(database) ?? 0;
        foreach (var script in Scripts.Where(script => script.Version > version))
        {
            database.RunScript(script.Text);
            database.Execute(
                "INSERT INTO schema_version (version, name, applied_at) VALUES (@version, @name, @at)",
                new SqlValue("@version", script.Version),
                new SqlValue("@name", script.Name),
                new SqlValue("@at", clock.GetUtcNow())
            );
            logger.Migrated(path, script.Name);
        }

        database.Execute("COMMIT");
        return new SchemaChange(path, version, Scripts[^1].Version);
    }
}

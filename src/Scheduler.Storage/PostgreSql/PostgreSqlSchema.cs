using Microsoft.Extensions.Logging;
using Npgsql;

namespace Scheduler.Storage.PostgreSql;

/// <summary>
/// Upgrades the schema of a database to the version of this build. Several silos may call it at once: one migrates, the
/// others wait.
/// </summary>
internal static class PostgreSqlSchema
{
    /// <summary>Advisory lock that serialises migrations. The number is arbitrary, but the same in all silos.</summary>
    private const long MigrationLock = 7_245_801_733;

    private static IReadOnlyList<SchemaScript> Scripts { get; } = SchemaScript.ReadAll("PostgreSql");

    /// <summary>Applies the missing scripts in one transaction.</summary>
    /// <param name="migrate">If false, a database with an older schema is rejected.</param>
    /// <exception cref="StorageUnusableException">
    /// The database has a newer schema, belongs to another program, or needs a migration that is not allowed; it was
    /// not changed.
    /// </exception>
    public static SchemaChange Apply(NpgsqlDataSource pool, bool migrate, TimeProvider clock, ILogger logger)
    {
        using var connection = pool.OpenConnection();
        if (Check(connection, migrate) == Scripts[^1].Version)
        {
            return new SchemaChange(NameOf(pool), Scripts[^1].Version, Scripts[^1].Version);
        }

        using var transaction = connection.BeginTransaction();
        Execute(connection, "SELECT pg_advisory_xact_lock($1)", MigrationLock);
        var version = Check(connection, migrate);
        foreach (var script in Scripts.Where(script => script.Version > version))
        {
            Execute(connection, script.Text);
            Execute(
                connection,
                "INSERT INTO schema_version (version, name, applied_at) VALUES ($1, $2, $3)",
                script.Version,
                script.Name,
                clock.GetUtcNow()
            );
            logger.Migrated(NameOf(pool), script.Name);
        }

        transaction.Commit();
        return new SchemaChange(NameOf(pool), version, Scripts[^1].Version);
    }

    /// <summary>The query texts of Orleans' ADO.NET providers, by query key.</summary>
    public static Dictionary<string, string> ReadQueries(NpgsqlDataSource pool)
    {
        using var command = pool.CreateCommand("SELECT QueryKey, QueryText FROM OrleansQuery");
        using var rows = command.ExecuteReader();
        var queries = new Dictionary<string, string>(StringComparer.Ordinal);
        while (rows.Read())
        {
            queries.Add(rows.GetString(0), rows.GetString(1));
        }

        return queries;
    }

    /// <summary><c>host:port/database</c>, without credentials.</summary>
    public static string NameOf(NpgsqlDataSource pool)
    {
        var text = new NpgsqlConnectionStringBuilder(pool.ConnectionString);
        return $"{text.Host}:{text.Port}/{text.Database}";
    }

    public static StorageUnusableException Unusable(Exception exception) =>
        new(
            exception is PostgresException refused
                ? $"The database refuses ({refused.SqlState}: {refused.MessageText}). Check Storage:PostgreSql and the role's rights."
                : $"The database cannot be reached ({exception.Message}). Check Storage:PostgreSql and that the server runs.",
            exception
        );

    /// <summary>Schema version of the database; 0 for an empty one.</summary>
    private static int Check(NpgsqlConnection connection, bool migrate)
    {
        var newest = Scripts[^1].Version;
        var tables = Tables(connection);
        var isOurs = tables.Contains("schema_version", StringComparer.Ordinal);
        if (!isOurs && tables.Count > 0)
        {
            throw new StorageUnusableException(
                "The database is of something else: it has a table named states, but none named schema_version. It was left as it is; set Storage:PostgreSql to another database or schema."
            );
        }

        var version = isOurs ? Scalar(connection, "SELECT COALESCE(MAX(version), 0) FROM schema_version") : 0;
        if (version > newest)
        {
            throw new StorageUnusableException(
                $"The database has schema version {version}; this build knows {newest}. It was left as it is: run the newer build."
            );
        }

        return version == newest || migrate
            ? version
            : throw new StorageUnusableException(
                $"The database has schema version {version}; this build needs {newest}, and Storage:PostgreSql:Migrate is false. Run `scheduler migrate` with a role that may change the schema."
            );
    }

    /// <summary>
    /// Returns which of the two tables exist. It reads <c>pg_class</c>, because the session caches name look-ups: a
    /// session that waited for another silo's migration would still see no tables.
    /// </summary>
    private static List<string> Tables(NpgsqlConnection connection)
    {
        using var command = new NpgsqlCommand(
            "SELECT relname::text FROM pg_class WHERE relname IN ('schema_version', 'states') AND pg_table_is_visible(oid)",
            connection
        );
        using var rows = command.ExecuteReader();
        var tables = new List<string>();
        while (rows.Read())
        {
            tables.Add(rows.GetString(0));
        }

        return tables;
    }

    private static int Scalar(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        return (int)command.ExecuteScalar()!;
    }

    private static void Execute(NpgsqlConnection connection, string sql, params object[] values)
    {
        using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        command.ExecuteNonQuery();
    }
}

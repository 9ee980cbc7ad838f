using Microsoft.Extensions.Logging;
using Npgsql;

namespace Scheduler.Storage.PostgreSql;

/// <summary>Brings a database's schema to the version this code knows. Any number of silos may do it at once: one does, the others wait.</summary>
internal static class PostgreSqlSchema
{
    /// <summary>Any number, the same for all silos: whoever holds this lock of the database may change the schema.</summary>
    private const long MigrationLock = 7_245_801_733;

    /// <summary>The scripts, in order.</summary>
    private static IReadOnlyList<SchemaScript> Scripts { get; } = SchemaScript.ReadAll("PostgreSql");

    /// <summary>Applies what the database lacks, in one transaction.</summary>
    /// <param name="pool">The database.</param>
    /// <param name="migrate">Whether it may be changed; otherwise one that lacks anything is refused.</param>
    /// <param name="clock">Stamps the changes.</param>
    /// <param name="logger">Told of each.</param>
    /// <returns>The schema's version before and after.</returns>
    /// <exception cref="StorageUnusableException">Newer, foreign, or lacking and not to be changed; left as it is.</exception>
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

    /// <summary>What Orleans' providers will ask, by key.</summary>
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

    /// <summary>Which database, without its password.</summary>
    public static string NameOf(NpgsqlDataSource pool)
    {
        var text = new NpgsqlConnectionStringBuilder(pool.ConnectionString);
        return $"{text.Host}:{text.Port}/{text.Database}";
    }

    /// <summary>Names what keeps the database from being used.</summary>
    public static StorageUnusableException Unusable(Exception exception) =>
        new(
            exception is PostgresException refused
                ? $"The database refuses ({refused.SqlState}: {refused.MessageText}). Check Storage:PostgreSql and the role's rights."
                : $"The database cannot be reached ({exception.Message}). Check Storage:PostgreSql and that the server runs.",
            exception
        );

    /// <summary>The version of the database, 0 for an empty one.</summary>
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
    /// Those of the two telling tables that are there. Read from the catalogue as a table: name look-ups are cached in the session, and one
    /// that waited for another's migration would still find nothing.
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

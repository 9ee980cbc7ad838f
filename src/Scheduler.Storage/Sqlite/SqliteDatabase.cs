using Microsoft.Data.Sqlite;
using Scheduler.Storage.Sql;
using SQLitePCL;

namespace Scheduler.Storage.Sqlite;

/// <summary>One connection and its prepared statements. Not thread-safe: one thread at a time may use it.</summary>
internal sealed class SqliteDatabase : IDisposable
{
    // Far above the number of distinct SQL texts. The bound only protects against a text that varies by mistake.
    private const int MaxStatements = 256;

    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, SqliteStatement> _statements = new(StringComparer.Ordinal);

    private SqliteDatabase(SqliteConnection connection)
    {
        _connection = connection;
        Handle = connection.Handle!;
    }

    public sqlite3 Handle { get; }

    /// <summary>False after some errors (full disk, I/O, out of memory), because SQLite then rolls back.</summary>
    public bool InTransaction => raw.sqlite3_get_autocommit(Handle) == 0;

    public static SqliteDatabase Open(string path, bool readOnly, string pragmas)
    {
        var text = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = readOnly ? SqliteOpenMode.ReadOnly : SqliteOpenMode.ReadWriteCreate,
            Pooling = false,
        };
        var connection = new SqliteConnection(text.ConnectionString);
        try
        {
            connection.Open();
            var database = new SqliteDatabase(connection);
            database.RunScript(pragmas);
            return database;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public SqliteStatement Prepare(string sql)
    {
        if (_statements.TryGetValue(sql, out var statement))
        {
            return statement;
        }

        if (_statements.Count >= MaxStatements)
        {
            ForgetStatements();
        }

        statement = new SqliteStatement(Handle, sql);
        _statements.Add(sql, statement);
        return statement;
    }

    public List<T> Query<T>(string sql, ReadOnlySpan<SqlValue> values, Func<SqliteStatement, T> map) =>
        Prepare(sql).Query(values, map);

    public int Execute(string sql, params ReadOnlySpan<SqlValue> values) => Prepare(sql).Execute(values);

    /// <summary>Runs several statements that take no parameters.</summary>
    public void RunScript(string script) =>
        SqliteErrors.Check(raw.sqlite3_exec(Handle, script, null, null, out _), Handle);

    /// <summary>Runs statements atomically in a savepoint; a failure does not affect the rest of the batch.</summary>
    public T Together<T>(Func<SqliteDatabase, T> statements)
    {
        Execute("SAVEPOINT together");
        try
        {
            var result = statements(this);
            Execute("RELEASE together");
            return result;
        }
        catch when (InTransaction)
        {
            Execute("ROLLBACK TO together");
            Execute("RELEASE together");
            throw;
        }
    }

    public void Dispose()
    {
        ForgetStatements();
        _connection.Dispose();
    }

    private void ForgetStatements()
    {
        foreach (var statement in _statements.Values)
        {
            statement.Dispose();
        }

        _statements.Clear();
    }
}

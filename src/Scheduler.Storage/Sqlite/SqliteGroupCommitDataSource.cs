using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;

namespace Scheduler.Storage.Sqlite;

/// <summary>
/// What Orleans' ADO.NET grain storage is given instead of connections of its own. Its connections are never opened: each
/// command is handed to the one writer thread, or, if it only reads, to a reader, and comes back with its rows in memory.
/// </summary>
/// <remarks>
/// With connections of its own every writer blocks a thread-pool thread while it waits for SQLite's single write lock, and
/// unrelated grains wait with it. Explicit transactions and the synchronous calls are refused: Orleans' grain storage needs neither.
/// </remarks>
internal sealed class SqliteGroupCommitDataSource(SqliteStore store) : DbDataSource
{
    /// <inheritdoc/>
    public override string ConnectionString =>
        new SqliteConnectionStringBuilder { DataSource = store.Path }.ConnectionString;

    /// <inheritdoc/>
    protected override DbConnection CreateDbConnection() => new Connection(store);

    /// <inheritdoc/>
    protected override DbConnection OpenDbConnection() => Opened();

    /// <inheritdoc/>
    protected override ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default) =>
        new(Opened());

    private Connection Opened()
    {
        var connection = new Connection(store);
        connection.Open();
        return connection;
    }

    // Orleans checks that connections are of the provider's type, hence the inheritance; nothing of the base is used.
    private sealed class Connection(SqliteStore store) : SqliteConnection
    {
        private ConnectionState _state = ConnectionState.Closed;

        public override ConnectionState State => _state;

        public override void Open() => _state = ConnectionState.Open;

        public override void Close() => _state = ConnectionState.Closed;

        protected override DbCommand CreateDbCommand() => new Command(store);

        protected override DbTransaction BeginDbTransaction(IsolationLevel isolationLevel) =>
            throw new NotSupportedException("Every statement is its own transaction here.");
    }

    private sealed class Command(SqliteStore store) : SqliteCommand
    {
        private const string AsyncOnly = "The store is only asked asynchronously.";

        [AllowNull]
        public override string CommandText { get; set; } = "";

        public override int ExecuteNonQuery() => throw new NotSupportedException(AsyncOnly);

        public override object ExecuteScalar() => throw new NotSupportedException(AsyncOnly);

        public override async Task<int> ExecuteNonQueryAsync(CancellationToken cancellationToken)
        {
            await using var reader = await ReadAsync(cancellationToken).ConfigureAwait(false);
            return reader.RecordsAffected;
        }

        protected override DbDataReader ExecuteDbDataReader(CommandBehavior behavior) =>
            throw new NotSupportedException(AsyncOnly);

        protected override async Task<DbDataReader> ExecuteDbDataReaderAsync(
            CommandBehavior behavior,
            CancellationToken cancellationToken
        ) => await ReadAsync(cancellationToken).ConfigureAwait(false);

        private Task<BufferedDataReader> ReadAsync(CancellationToken cancellationToken)
        {
            var sql = CommandText;
            var values = new SqlValue[Parameters.Count];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = new SqlValue(Parameters[i].ParameterName, Parameters[i].Value);
            }

            return sql.AsSpan().TrimStart().StartsWith("SELECT", StringComparison.OrdinalIgnoreCase)
                ? store.ReadStateAsync(database => Run(database, sql, values), cancellationToken)
                : store.WriteAsync(database => Run(database, sql, values), cancellationToken);
        }

        private static BufferedDataReader Run(SqliteDatabase database, string sql, SqlValue[] values)
        {
            var statement = database.Prepare(sql);
            var columns = statement.Columns;
            var rows = statement.Query(values, ReadRow);
            return new BufferedDataReader(columns, rows);
        }

        private static object[] ReadRow(SqliteStatement statement)
        {
            var row = new object[statement.Columns.Length];
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = statement.Value(i);
            }

            return row;
        }
    }
}

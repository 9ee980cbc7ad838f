using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;

namespace Scheduler.Storage.Sql;

/// <summary>
/// What Orleans' ADO.NET grain storage is given instead of connections of its own. Its connections are never opened: each
/// command is handed to the store, which lets those that wait share a commit, and comes back with its rows in memory.
/// </summary>
/// <remarks>
/// <para>
/// With connections of its own every grain pays for a commit: on SQLite each blocks a thread-pool thread while it waits for the one write
/// lock, on PostgreSQL each costs a round trip, a transaction and a flush of the log.
/// </para>
/// <para>
/// Orleans checks that connections are of its provider's type. Npgsql's is sealed, so for PostgreSQL, too, they pass as SQLite's: nothing
/// of the base type is used, and the SQL is the store's own. Explicit transactions and the synchronous calls are refused: Orleans'
/// grain storage needs neither.
/// </para>
/// </remarks>
internal sealed class StatementDataSource(IStatementRunner runner) : DbDataSource
{
    /// <summary>The name under which Orleans accepts these connections.</summary>
    public const string Invariant = "System.Data.SQLite";

    /// <inheritdoc/>
    public override string ConnectionString => "";

    /// <inheritdoc/>
    protected override DbConnection CreateDbConnection() => new Connection(runner);

    /// <inheritdoc/>
    protected override DbConnection OpenDbConnection() => Opened();

    /// <inheritdoc/>
    protected override ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default) =>
        new(Opened());

    private Connection Opened()
    {
        var connection = new Connection(runner);
        connection.Open();
        return connection;
    }

    private sealed class Connection(IStatementRunner runner) : SqliteConnection
    {
        private ConnectionState _state = ConnectionState.Closed;

        public override ConnectionState State => _state;

        public override void Open() => _state = ConnectionState.Open;

        public override void Close() => _state = ConnectionState.Closed;

        protected override DbCommand CreateDbCommand() => new Command(runner);

        protected override DbTransaction BeginDbTransaction(IsolationLevel isolationLevel) =>
            throw new NotSupportedException("Every statement is its own transaction here.");
    }

    private sealed class Command(IStatementRunner runner) : SqliteCommand
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
            var values = new SqlValue[Parameters.Count];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = new SqlValue(Parameters[i].ParameterName, Parameters[i].Value);
            }

            return runner.RunAsync(CommandText, values, cancellationToken);
        }
    }
}

using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;

namespace Scheduler.Storage.Sql;

/// <summary>
/// Data source for Orleans' ADO.NET grain storage. Its connections never open a database connection. Each command goes
/// to the store, which commits waiting commands together and returns the rows in memory.
/// </summary>
/// <remarks>
/// <para>
/// With real connections every grain would pay for its own commit. On SQLite each write would block a thread-pool
/// thread while it waits for the single write lock. On PostgreSQL each write would cost a round trip, a transaction and
/// a flush of the log.
/// </para>
/// <para>
/// Orleans checks that connections have the type of the configured provider. Npgsql's connection class is sealed, so
/// for PostgreSQL the connections derive from SQLite's too. This is safe: nothing of the base type is used, and the SQL
/// comes from the store. Explicit transactions and synchronous calls are not supported, because Orleans' grain storage
/// needs neither.
/// </para>
/// </remarks>
internal sealed class StatementDataSource(IStatementRunner runner) : DbDataSource
{
    /// <summary>The ADO.NET invariant under which Orleans accepts these connections.</summary>
    public const string Invariant = "System.Data.SQLite";

    public override string ConnectionString => "";

    protected override DbConnection CreateDbConnection() => new Connection(runner);

    protected override DbConnection OpenDbConnection() => Opened();

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
            throw new NotSupportedException("Every statement runs in its own transaction.");
    }

    private sealed class Command(IStatementRunner runner) : SqliteCommand
    {
        private const string AsyncOnly = "The store supports only asynchronous calls.";

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

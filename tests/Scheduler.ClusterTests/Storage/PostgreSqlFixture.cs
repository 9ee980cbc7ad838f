using Npgsql;
using Scheduler.Storage;
using Scheduler.Storage.PostgreSql;
using Scheduler.Storage.Sql;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Storage;

/// <summary>A new database on the server that the tests share.</summary>
public sealed class PostgreSqlFixture : StoreFixture
{
    private PostgreSqlStore? _store;

    public PostgreSqlFixture() { }

    /// <summary>Uses a store that the caller opens and closes.</summary>
    public PostgreSqlFixture(StorageOptions options, PostgreSqlStore store)
    {
        Options = options;
        _store = store;
    }

    public StorageOptions Options { get; } = new();

    public PostgreSqlStore Open => _store ?? throw new InvalidOperationException("Not opened.");

    public override (long Commits, long Statements) Counts => (Open.Commits, Open.Statements);

    public override string SaysDuplicate => "events_by_subject";

    public override string WithoutTriggers => "DROP TRIGGER states_updated ON states";

    internal override ISqlStore Store => Open;

    internal override IStatementRunner Runner => Open;

    public override async Task OpenAsync()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var server = await PostgreSqlServer.SharedAsync(cancellation);
        Options.PostgreSql.ConnectionString = await server.CreateDatabaseAsync(cancellation);
        _store = PostgreSqlStore.Open(Options, TimeProvider.System);
    }

    public override async Task ReopenAsync()
    {
        await Open.DisposeAsync();
        _store = PostgreSqlStore.Open(Options, TimeProvider.System);
    }

    public override Task SettleAsync() =>
        PostgreSqlServer.ExecuteAsync(
            Options.PostgreSql.ConnectionString!,
            "VACUUM ANALYZE",
            TestContext.Current.CancellationToken
        );

    public override IReadOnlyList<object?[]> Sql(string sql)
    {
        using var source = NpgsqlDataSource.Create(Options.PostgreSql.ConnectionString!);
        using var command = source.CreateCommand(sql);
        return Read(command);
    }

    protected override void AddTo(ISiloBuilder silo) => silo.AddSchedulerStorage(Open);

    protected override async Task CloseAsync()
    {
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }
    }
}

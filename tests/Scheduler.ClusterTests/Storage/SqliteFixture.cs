using Microsoft.Data.Sqlite;
using Scheduler.Storage;
using Scheduler.Storage.Sql;
using Scheduler.Storage.Sqlite;

namespace Scheduler.ClusterTests.Storage;

/// <summary>A file in a new directory.</summary>
public sealed class SqliteFixture : StoreFixture
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("scheduler-storage-");

    public SqliteFixture()
    {
        Options = new StorageOptions { Sqlite = { Path = Path.Combine(_directory.FullName, "scheduler.db") } };
        Open = SqliteStore.Open(Options, TimeProvider.System);
    }

    public StorageOptions Options { get; }

    /// <summary>Opened with the fixture.</summary>
    public SqliteStore Open { get; private set; }

    public string File => Options.Sqlite.Path;

    public override (long Commits, long Statements) Counts => (Open.Commits, Open.Statements);

    public override string SaysDuplicate => "UNIQUE constraint failed: events";

    public override string WithoutTriggers => "DROP TRIGGER states_updated";

    internal override ISqlStore Store => Open;

    internal override IStatementRunner Runner => Open;

    public override Task OpenAsync() => Task.CompletedTask;

    public override async Task ReopenAsync()
    {
        await Task.Yield();
        Open.Dispose();
        Open = SqliteStore.Open(Options, TimeProvider.System);
    }

    // SQLite updates its statistics only on request, and the store makes none.
    public override Task SettleAsync() => Task.CompletedTask;

    public override IReadOnlyList<object?[]> Sql(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={File};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Read(command);
    }

    protected override void AddTo(ISiloBuilder silo) => silo.AddSchedulerStorage(Open);

    protected override Task CloseAsync()
    {
        Open.Dispose();
        _directory.Delete(recursive: true);
        return Task.CompletedTask;
    }
}

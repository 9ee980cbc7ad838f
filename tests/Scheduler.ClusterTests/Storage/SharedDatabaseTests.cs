using Npgsql;
using Scheduler.Domain.Storage;
using Scheduler.Storage;
using Scheduler.Storage.Agenda;
using Scheduler.Storage.PostgreSql;
using Scheduler.TestKit;
using Xunit;
using static Scheduler.ClusterTests.Storage.StoreFixture;

namespace Scheduler.ClusterTests.Storage;

/// <summary>
/// Requirements of a database with several silos: concurrent starts, lost connections, and roles with few rights.
/// </summary>
public sealed class SharedDatabaseTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Silos_that_start_together_on_an_empty_database_create_one_schema()
    {
        var options = await NewDatabaseAsync();
        var stores = await Task.WhenAll(
            Enumerable
                .Range(0, 6)
                .Select(_ => Task.Run(() => PostgreSqlStore.Open(options, TimeProvider.System), Cancelled))
        );
        await using var source = NpgsqlDataSource.Create(options.PostgreSql.ConnectionString!);
        await using var command = source.CreateCommand(
            "SELECT array_agg(version ORDER BY version) FROM schema_version"
        );
        var versions = (int[])(await command.ExecuteScalarAsync(Cancelled))!;
        Assert.Equal(SchemaScript.ReadAll("PostgreSql").Select(script => script.Version), versions);
        foreach (var store in stores)
        {
            await store.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_newer_schema_is_refused_and_unchanged()
    {
        var options = await OpenedOnceAsync();
        await RunAsync(options, "INSERT INTO schema_version VALUES (99, '0099_later.sql', now())");
        Assert.Contains(
            "schema version 99",
            Assert.Throws<StorageUnusableException>(() => PostgreSqlStore.Open(options, TimeProvider.System)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_database_of_another_program_is_refused_and_unchanged()
    {
        var options = await NewDatabaseAsync();
        await RunAsync(options, "CREATE TABLE states (code text)");
        Assert.Contains(
            "of something else",
            Assert.Throws<StorageUnusableException>(() => PostgreSqlStore.Open(options, TimeProvider.System)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_silo_that_may_not_migrate_refuses_an_older_schema_and_opens_a_current_one()
    {
        var options = await NewDatabaseAsync();
        options.PostgreSql.Migrate = false;
        Assert.Contains(
            "scheduler migrate",
            Assert.Throws<StorageUnusableException>(() => PostgreSqlStore.Open(options, TimeProvider.System)).Message,
            StringComparison.Ordinal
        );
        options.PostgreSql.Migrate = true;
        await PostgreSqlStore.Open(options, TimeProvider.System).DisposeAsync();
        options.PostgreSql.Migrate = false;
        await PostgreSqlStore.Open(options, TimeProvider.System).DisposeAsync();
    }

    [Fact]
    public void An_unreachable_server_is_reported_without_the_password_INV_13()
    {
        var options = new StorageOptions
        {
            PostgreSql = { ConnectionString = "Host=127.0.0.1;Port=1;Username=u;Password=hunter2;Timeout=2" },
        };
        var refused = Assert.Throws<StorageUnusableException>(() => PostgreSqlStore.Open(options, TimeProvider.System));
        Assert.Contains("cannot be reached", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_connection_string_can_come_from_a_file()
    {
        var options = await NewDatabaseAsync();
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, options.PostgreSql.ConnectionString + "\n", Cancelled);
        var fromFile = new StorageOptions { PostgreSql = { ConnectionStringFile = file } };
        await PostgreSqlStore.Open(fromFile, TimeProvider.System).DisposeAsync();
        File.Delete(file);
    }

    [Fact]
    public async Task The_least_privileged_role_is_sufficient_and_allows_nothing_else()
    {
        var options = await NewDatabaseAsync();
        await RunRolesAsync(options);
        await PostgreSqlStore.Open(As("scheduler_owner", options, migrate: true), TimeProvider.System).DisposeAsync();
        await RunRolesAsync(options);

        var app = As("scheduler_app", options, migrate: false);
        await using var store = PostgreSqlStore.Open(app, TimeProvider.System);
        var fixture = new PostgreSqlFixture(app, store);
        await fixture.WriteStateAsync("instance", "i-least", Instance("i-least"));
        await fixture.WriteStateAsync("account", "acct-least", Account("acct-least", TopUp(1, "a", 100)));
        Assert.Single(await new SqlAgenda(store).DueAsync(Noon.AddDays(1), AgendaShare.Whole, 10, Cancelled));
        Assert.All(
            [
                "DROP TABLE states",
                "TRUNCATE agenda",
                "CREATE TABLE mine (x int)",
                "DELETE FROM ledger",
                "UPDATE events SET reason = ''",
                "DELETE FROM schema_version",
                "UPDATE orleansquery SET querytext = ''",
                "DROP TRIGGER states_updated ON states",
            ],
            sql =>
                Assert.Equal(
                    PostgresErrorCodes.InsufficientPrivilege,
                    Assert.ThrowsAny<PostgresException>(() => fixture.Sql(sql)).SqlState
                )
        );
    }

    [Fact]
    public async Task Writes_fail_while_the_server_is_down_and_succeed_again_after()
    {
        await using var server = await PostgreSqlServer.StartAsync(cancellationToken: Cancelled);
        var options = new StorageOptions
        {
            PostgreSql = { ConnectionString = await server.CreateDatabaseAsync(Cancelled) },
        };
        await using var store = PostgreSqlStore.Open(options, TimeProvider.System);
        var agenda = new SqlAgenda(store);
        Assert.Empty(await agenda.DueAsync(Noon, AgendaShare.Whole, 10, Cancelled));
        await server.CrashAsync(Cancelled);
        // The next use of the pooled connection detects that it is broken; after that the pool has no connection.
        foreach (var _ in Enumerable.Range(0, 3))
        {
            await Assert.ThrowsAsync<StorageException>(() => agenda.DueAsync(Noon, AgendaShare.Whole, 10, Cancelled));
            await Assert.ThrowsAnyAsync<StorageException>(() =>
                agenda.SettleAsync([(new AgendaItem("instance", "i-a", Noon), null)], Cancelled)
            );
        }

        await server.StartAgainAsync(Cancelled);
        Assert.Empty(await agenda.DueAsync(Noon, AgendaShare.Whole, 10, Cancelled));
    }

    [Fact]
    public async Task Agenda_shares_are_disjoint_and_together_complete()
    {
        var fixture = new PostgreSqlFixture();
        await using var _ = fixture;
        await fixture.OpenAsync();
        foreach (var i in Enumerable.Range(0, 50))
        {
            await fixture.WriteStateAsync("instance", $"i-{i}", Instance($"i-{i}"));
        }

        var agenda = new SqlAgenda(fixture.Store);
        var shares = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            var due = await agenda.DueAsync(Noon.AddDays(1), new AgendaShare(i, 3), 100, Cancelled);
            Assert.NotEmpty(due);
            shares.AddRange(due.Select(item => item.Id));
        }

        Assert.Equal(
            Enumerable.Range(0, 50).Select(i => $"i-{i}").Order(StringComparer.Ordinal),
            shares.Order(StringComparer.Ordinal)
        );
    }

    private static async Task<StorageOptions> NewDatabaseAsync()
    {
        var server = await PostgreSqlServer.SharedAsync(Cancelled);
        return new StorageOptions { PostgreSql = { ConnectionString = await server.CreateDatabaseAsync(Cancelled) } };
    }

    private static async Task<StorageOptions> OpenedOnceAsync()
    {
        var options = await NewDatabaseAsync();
        await PostgreSqlStore.Open(options, TimeProvider.System).DisposeAsync();
        return options;
    }

    private static StorageOptions As(string role, StorageOptions options, bool migrate) =>
        new()
        {
            PostgreSql =
            {
                ConnectionString = new NpgsqlConnectionStringBuilder(options.PostgreSql.ConnectionString)
                {
                    Username = role,
                }.ConnectionString,
                Migrate = migrate,
            },
        };

    /// <summary>Runs the shipped script as an operator does.</summary>
    private static async Task RunRolesAsync(StorageOptions options) =>
        await RunAsync(
            options,
            await File.ReadAllTextAsync(Repository.Path("deploy", "postgresql", "roles.sql"), Cancelled)
        );

    private static Task RunAsync(StorageOptions options, string sql) =>
        PostgreSqlServer.ExecuteAsync(options.PostgreSql.ConnectionString!, sql, Cancelled);
}

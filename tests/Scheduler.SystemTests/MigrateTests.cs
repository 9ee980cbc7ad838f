using Npgsql;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>Migration as a separate step, under a role that may change the schema.</summary>
public sealed class MigrateTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_owner_migrates_and_the_scheduler_runs_under_a_role_without_schema_rights()
    {
        var server = await PostgreSqlServer.SharedAsync(Ct);
        var database = await server.CreateDatabaseAsync(Ct);
        var roles = await File.ReadAllTextAsync(Repository.Path("deploy", "postgresql", "roles.sql"), Ct);
        await PostgreSqlServer.ExecuteAsync(database, roles, Ct);
        await using var scheduler = new SchedulerProcess(null, As("scheduler_app", database));
        var (exitCode, output) = await scheduler.RunToEndAsync(Ct);
        Assert.Equal(3, exitCode);
        Assert.Contains("Run `scheduler migrate` with a role that may change the schema.", output);

        // Its settings forbid silos to change the schema, as in a settings file that all processes share.
        await using var migration = new SchedulerProcess(null, As("scheduler_owner", database)) { Command = "migrate" };
        (exitCode, output) = await migration.RunToEndAsync(Ct);
        Assert.Equal(0, exitCode);
        Assert.Matches(@"^The schema of 127\.0\.0\.1:\d+/\w+ was brought from version 0 to [1-9]\d*\.\s*$", output);
        (exitCode, output) = await migration.RunToEndAsync(Ct);
        Assert.Equal(0, exitCode);
        Assert.Matches(@"already; nothing was changed\.\s*$", output);

        await PostgreSqlServer.ExecuteAsync(database, roles, Ct);
        await scheduler.StartAsync(Ct);
        Assert.Equal(
            "accounts/acct-least",
            (await ApiClient.Of("grpc", scheduler).CreateAccountAsync("acct-least")).Ok.Name
        );
        Assert.Equal(0, await scheduler.StopAsync(Ct));
    }

    [Fact(Explicit = true)]
    public async Task A_role_without_schema_rights_gets_a_clear_error()
    {
        var server = await PostgreSqlServer.SharedAsync(Ct);
        var database = await server.CreateDatabaseAsync(Ct);
        await PostgreSqlServer.ExecuteAsync(
            database,
            await File.ReadAllTextAsync(Repository.Path("deploy", "postgresql", "roles.sql"), Ct),
            Ct
        );
        await using var migration = new SchedulerProcess(null, As("scheduler_app", database)) { Command = "migrate" };

        var (exitCode, output) = await migration.RunToEndAsync(Ct);

        Assert.Equal(3, exitCode);
        Assert.Contains("its store cannot be used: The database refuses (42501", output);
        Assert.DoesNotContain("Unhandled exception", output);
    }

    [Fact]
    public async Task A_missing_store_file_is_created_and_an_existing_one_is_unchanged()
    {
        await using var scheduler = new SchedulerProcess { Command = "migrate" };
        var (exitCode, output) = await scheduler.RunToEndAsync(Ct);
        Assert.Equal(0, exitCode);
        Assert.Contains(
            $"The schema of {Path.Combine(scheduler.Folder, "data", "scheduler.db")} was brought from",
            output
        );
        (exitCode, output) = await scheduler.RunToEndAsync(Ct);
        Assert.Equal(0, exitCode);
        Assert.Contains("nothing was changed", output);
    }

    [Fact(Explicit = true)]
    public async Task An_unreachable_store_is_reported()
    {
        await using var migration = new SchedulerProcess(
            null,
            "--Storage:PostgreSql:ConnectionString=Host=127.0.0.1;Port=1;Username=u;Timeout=2"
        )
        {
            Command = "migrate",
        };

        var (exitCode, output) = await migration.RunToEndAsync(Ct);

        Assert.Equal(3, exitCode);
        Assert.Contains("cannot be reached", output);
    }

    private static string[] As(string role, string database) =>
        [
            "--Storage:PostgreSql:Migrate=false",
            $"--Storage:PostgreSql:ConnectionString={new NpgsqlConnectionStringBuilder(database) { Username = role }}",
        ];
}

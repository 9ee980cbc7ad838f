using Npgsql;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>The schema as a step of its own, under a role that may change it.</summary>
public sealed class MigrateTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_owner_migrates_and_the_scheduler_serves_under_a_role_that_may_not()
    {
        var server = await PostgreSqlServer.SharedAsync(Ct);
        var database = await server.CreateDatabaseAsync(Ct);
        var roles = await File.ReadAllTextAsync(Repository.Path("deploy", "postgresql", "roles.sql"), Ct);
        await PostgreSqlServer.ExecuteAsync(database, roles, Ct);
        await using var scheduler = new SchedulerProcess(null, As("scheduler_app", database));
        var (exitCode, output) = await scheduler.RunToEndAsync(Ct);
        Assert.Equal(3, exitCode);
        Assert.Contains("Run `scheduler migrate` with a role that may change the schema.", output);

        // Told that silos may not change the schema, as a settings file they all share says it.
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
            (await Door.Of("grpc", scheduler).CreateAccountAsync("acct-least")).Ok.Name
        );
        Assert.Equal(0, await scheduler.StopAsync(Ct));
    }

    [Fact(Explicit = true)]
    public async Task A_role_that_may_not_change_the_schema_is_told_so()
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
    public async Task A_file_is_made_where_there_is_none_and_left_alone_where_there_is_one()
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
    public async Task A_store_that_cannot_be_reached_is_told()
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

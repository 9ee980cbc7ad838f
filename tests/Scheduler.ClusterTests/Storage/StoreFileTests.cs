using Scheduler.Storage;
using Scheduler.Storage.Sql;
using Scheduler.Storage.Sqlite;
using Xunit;

namespace Scheduler.ClusterTests.Storage;

/// <summary>
/// The store file as a whole: refused if foreign, unchanged by a refusal, and valid after a full disk.
/// </summary>
public sealed class StoreFileTests : IAsyncLifetime
{
    private readonly SqliteFixture _fixture = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task A_second_open_is_refused_until_the_first_is_closed()
    {
        var refusal = Assert.Throws<StorageUnusableException>(() => Open());
        Assert.Contains("in use by another process", refusal.Message, StringComparison.Ordinal);
        await _fixture.ReopenAsync();
    }

    [Fact]
    public void A_newer_schema_is_refused_and_unchanged()
    {
        _fixture.Sql("INSERT INTO schema_version (version, name, applied_at) VALUES (99, '0099_future.sql', 'later')");
        _fixture.Open.Dispose();
        AssertRefused($"schema version 99; this build knows {SchemaScript.ReadAll("Sqlite")[^1].Version}");
    }

    [Fact]
    public void A_file_that_is_not_a_database_is_refused_and_unchanged()
    {
        _fixture.Open.Dispose();
        File.WriteAllText(_fixture.File, new string('x', 8192));
        AssertRefused("damaged or is no database");
    }

    [Fact]
    public void A_damaged_file_is_refused_and_unchanged()
    {
        _fixture.Open.Dispose();
        var bytes = File.ReadAllBytes(_fixture.File);
        // All but the first pages: the schema is still readable, the pages of the tables are not.
        new Random(7).NextBytes(bytes.AsSpan(bytes.Length / 2));
        File.WriteAllBytes(_fixture.File, bytes);
        AssertRefused("damaged");
    }

    [Fact]
    public void A_database_of_another_program_is_refused_and_unchanged()
    {
        _fixture.Open.Dispose();
        File.Delete(_fixture.File);
        _fixture.Sql("CREATE TABLE customers (id INTEGER)");
        AssertRefused("a database of something else");
    }

    [Fact]
    public void An_unwritable_path_is_refused()
    {
        var options = new StorageOptions { Sqlite = { Path = Path.Combine(_fixture.File, "under-a-file", "x.db") } };
        var refusal = Assert.Throws<StorageUnusableException>(() => SqliteStore.Open(options, TimeProvider.System));
        Assert.Contains("Storage:Sqlite:Path", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Opening_again_changes_nothing()
    {
        var before = _fixture.Sql("SELECT version, applied_at FROM schema_version");
        await _fixture.ReopenAsync();
        Assert.Equal(before, _fixture.Sql("SELECT version, applied_at FROM schema_version"));
    }

    [Fact]
    public async Task Closing_merges_the_log_into_the_file()
    {
        _fixture.Open.Dispose();
        Assert.False(File.Exists($"{_fixture.File}-wal") && new FileInfo($"{_fixture.File}-wal").Length > 0);
        await _fixture.ReopenAsync();
    }

    /// <summary>The file and its log at any moment equal the state after a process is killed at that moment.</summary>
    [Fact]
    public async Task A_killed_process_loses_nothing_it_acknowledged_INV_03()
    {
        using var stop = new CancellationTokenSource();
        var acknowledged = 0;
        var writers = Enumerable.Range(0, 16).Select(w => WriteUntilStoppedAsync(w)).ToArray();
        await Polling.TrueAsync(() => Task.FromResult(Volatile.Read(ref acknowledged) > 500));

        var copy = Path.Combine(Path.GetDirectoryName(_fixture.File)!, "crashed.db");
        var before = Volatile.Read(ref acknowledged);
        // The log is copied after the file. A checkpoint in between would break the copy; checkpoints are 32 MiB of log
        // apart.
        File.Copy(_fixture.File, copy);
        File.Copy($"{_fixture.File}-wal", $"{copy}-wal");
        await stop.CancelAsync();
        await Task.WhenAll(writers);

        using var crashed = SqliteStore.Open(new StorageOptions { Sqlite = { Path = copy } }, TimeProvider.System);
        ISqlStore reading = crashed;
        var kept = (await reading.ListAsync("SELECT count(*) FROM states", [], row => row.Number(0), Cancelled))[0];
        Assert.True(kept >= before, $"{before} acknowledged, {kept} kept");

        async Task WriteUntilStoppedAsync(int writer)
        {
            for (var i = writer; !stop.IsCancellationRequested; i += 16)
            {
                var id = i + 1;
                await _fixture.Open.WriteAsync(
                    database =>
                        database.Execute(
                            "INSERT INTO states VALUES (@id, 'note', 'n', @id, 0, 1, NULL)",
                            new SqlValue("@id", id)
                        ),
                    Cancelled
                );
                Interlocked.Increment(ref acknowledged);
            }
        }
    }

    [Fact]
    public async Task Writes_fail_clearly_on_a_full_disk_and_succeed_when_space_is_free()
    {
        var grains = await _fixture.StartSilosAsync();
        await grains.GetGrain<INoteRow>("n-before").WriteAsync(new NoteRecord { Text = "kept" });
        var limit = await _fixture.Open.WriteAsync(
            database => database.Query("PRAGMA page_count", [], row => row.Number(0))[0],
            Cancelled
        );
        await SetPageLimitAsync(limit);
        var large = new NoteRecord { Text = new string('x', 200_000) };
        var writes = Enumerable.Range(0, 8).Select(i => grains.GetGrain<INoteRow>($"n-full-{i}").WriteAsync(large));
        var refusals = await Task.WhenAll(writes.Select(write => Record.ExceptionAsync(() => write).AsTask()));
        Assert.All(
            refusals,
            refusal => Assert.Contains("The store is full", refusal!.ToString(), StringComparison.Ordinal)
        );
        Assert.Equal("kept", (await grains.GetGrain<INoteRow>("n-before").ReadAsync()).State.Text);

        await SetPageLimitAsync(1_000_000);
        Assert.Equal("1", await grains.GetGrain<INoteRow>("n-full-0").WriteAsync(large));
        Assert.Equal("ok", _fixture.Sql("PRAGMA integrity_check")[0][0]);
        Assert.Equal(2L, _fixture.Sql("SELECT count(*) FROM states")[0][0]);
    }

    [Fact]
    public async Task A_failing_work_item_is_rolled_back_alone()
    {
        await _fixture.Open.WriteAsync(
            database => database.Execute("INSERT INTO states VALUES (900, 'note', 'n-a', 0, 0, 1, NULL)"),
            Cancelled
        );
        var failing = _fixture.Open.WriteAsync(
            database =>
                database.Together(d =>
                    d.Execute("INSERT INTO states VALUES (901, 'note', 'n-b', 0, 0, 1, NULL)")
                    + d.Execute("INSERT INTO states VALUES (900, 'note', 'n-c', 0, 0, 1, NULL)")
                ),
            Cancelled
        );
        var mate = _fixture.Open.WriteAsync(
            database => database.Execute("INSERT INTO states VALUES (902, 'note', 'n-d', 0, 0, 1, NULL)"),
            Cancelled
        );
        await Assert.ThrowsAnyAsync<Exception>(() => failing);
        Assert.Equal(1, await mate);
        Assert.Equal(["n-a", "n-d"], _fixture.Sql("SELECT id FROM states ORDER BY id").Select(row => row[0]));
    }

    [Fact]
    public async Task Cancelled_work_is_not_started()
    {
        using var cancellation = new CancellationTokenSource();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            _fixture.Open.WriteAsync(
                database => database.Execute("INSERT INTO states VALUES (900, 'note', 'n-a', 0, 0, 1, NULL)"),
                cancellation.Token
            )
        );
        Assert.Empty(_fixture.Sql("SELECT 1 FROM states"));
    }

    [Fact]
    public async Task Queued_work_completes_before_the_store_closes_and_no_work_runs_after()
    {
        var writes = Enumerable
            .Range(1, 500)
            .Select(i =>
                _fixture.Open.WriteAsync(
                    database => database.Execute($"INSERT INTO states VALUES ({i}, 'note', 'n-{i}', 0, 0, 1, NULL)"),
                    Cancelled
                )
            )
            .ToArray();
        _fixture.Open.Dispose();
        await Task.WhenAll(writes);
        await Assert.ThrowsAsync<ObjectDisposedException>(() =>
            _fixture.Open.WriteAsync(database => database.Execute("DELETE FROM states"), Cancelled)
        );
        Assert.Equal(500L, _fixture.Sql("SELECT count(*) FROM states")[0][0]);
        await _fixture.ReopenAsync();
    }

    private SqliteStore Open() => SqliteStore.Open(_fixture.Options, TimeProvider.System);

    private Task<List<long>> SetPageLimitAsync(long pages) =>
        _fixture.Open.WriteAsync(
            database =>
                database.Query(
                    string.Create(System.Globalization.CultureInfo.InvariantCulture, $"PRAGMA max_page_count={pages}"),
                    [],
                    row => row.Number(0)
                ),
            Cancelled
        );

    private void AssertRefused(string why)
    {
        var before = File.ReadAllBytes(_fixture.File);
        var refusal = Assert.Throws<StorageUnusableException>(() => Open());
        Assert.Contains(why, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("left as it is", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(_fixture.File));
    }
}

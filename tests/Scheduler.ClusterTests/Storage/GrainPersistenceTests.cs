using Orleans.Storage;
using Xunit;
using static Scheduler.ClusterTests.Storage.StoreFixture;

namespace Scheduler.ClusterTests.Storage;

/// <summary>Guarantees that Orleans relies on, with two silos that share one store.</summary>
public abstract class GrainPersistenceTests(StoreFixture fixture) : IAsyncLifetime
{
    private readonly StoreFixture _fixture = fixture;

    public async ValueTask InitializeAsync()
    {
        await _fixture.OpenAsync();
        await _fixture.StartSilosAsync(silos: 2);
    }

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private INoteRow Note(string key) => _fixture.Grains.GetGrain<INoteRow>(key);

    private static NoteRecord Text(string text) => new() { Text = text };

    [Fact]
    public async Task A_missing_state_has_no_etag_and_does_not_exist()
    {
        var (state, etag, exists) = await Note("n-missing").ReadAsync();
        Assert.Equal("", state.Text);
        Assert.Null(etag);
        Assert.False(exists);
    }

    [Fact]
    public async Task Etags_count_the_writes()
    {
        Assert.Equal("1", await Note("n-count").WriteAsync(Text("a")));
        Assert.Equal("2", await Note("n-count").WriteAsync(Text("b")));
    }

    [Fact]
    public async Task The_next_activation_reads_what_the_last_one_wrote()
    {
        var grain = Note("n-again");
        await grain.WriteAsync(Text("a"));
        await grain.WriteAsync(Text("b"));
        await ReactivateAsync(grain);
        var (state, etag, exists) = await grain.ReadAsync();
        Assert.Equal(("b", "2", true), (state.Text, etag, exists));
    }

    [Theory]
    [InlineData("1")]
    [InlineData(null)]
    [InlineData("7")]
    public async Task A_stale_missing_or_future_etag_is_refused(string? etag)
    {
        var grain = Note($"n-stale-{etag}");
        await grain.WriteAsync(Text("a"));
        await grain.WriteAsync(Text("b"));
        await Assert.ThrowsAsync<InconsistentStateException>(() => grain.WriteWithEtagAsync(Text("x"), etag));
        await ReactivateAsync(grain);
        Assert.Equal("b", (await grain.ReadAsync()).State.Text);
    }

    [Fact]
    public async Task An_etag_for_a_missing_row_is_refused() =>
        await Assert.ThrowsAsync<InconsistentStateException>(() =>
            Note("n-nothing").WriteWithEtagAsync(Text("x"), "1")
        );

    [Fact]
    public async Task A_grain_with_a_stale_state_fails_once_and_then_reads_again()
    {
        var grain = Note("n-overtaken");
        await grain.WriteAsync(Text("a"));
        var before = await grain.ActivationAsync();
        _fixture.Sql("UPDATE states SET version = 5 WHERE kind = 'note' AND id = 'n-overtaken'");
        await Assert.ThrowsAsync<InconsistentStateException>(() => grain.WriteAsync(Text("b")));
        await Polling.TrueAsync(async () => await grain.ActivationAsync() != before);
        Assert.Equal("6", await grain.WriteAsync(Text("c")));
    }

    [Fact]
    public async Task A_cleared_state_is_gone_and_can_be_written_again()
    {
        var grain = Note("n-clear");
        await grain.WriteAsync(Text("a") with { WakeAt = Noon });
        await grain.ClearAsync();
        Assert.False((await grain.ReadAsync()).Exists);
        Assert.Empty(_fixture.Sql("SELECT 1 FROM agenda WHERE id = 'n-clear'"));
        await ReactivateAsync(grain);
        var (_, etag, exists) = await grain.ReadAsync();
        Assert.False(exists);
        Assert.Equal("2", etag);
        Assert.Equal("3", await grain.WriteAsync(Text("b")));
    }

    [Fact]
    public async Task Clearing_an_unwritten_state_is_harmless()
    {
        await Note("n-never").ClearAsync();
        Assert.False((await Note("n-never").ReadAsync()).Exists);
    }

    [Theory]
    [InlineData("n-o'brien \"quoted\"; DROP TABLE states")]
    [InlineData("n-ключ")]
    [InlineData("acct-a/имя")]
    public async Task Any_text_is_a_key(string key)
    {
        await Note(key).WriteAsync(Text(key));
        await ReactivateAsync(Note(key));
        Assert.Equal(key, (await Note(key).ReadAsync()).State.Text);
    }

    [Fact]
    public async Task Keys_differ_by_case()
    {
        await Note("n-abc").WriteAsync(Text("lower"));
        await Note("n-ABC").WriteAsync(Text("upper"));
        await ReactivateAsync(Note("n-abc"));
        Assert.Equal("lower", (await Note("n-abc").ReadAsync()).State.Text);
    }

    [Theory]
    [InlineData("abc")]
    [InlineData("0123")]
    [InlineData("0b3c21a6-6d0c-4f29-9d57-0d3b5d0c7f11")]
    public async Task A_key_that_would_be_stored_as_a_number_is_refused(string key)
    {
        var exception = await Assert.ThrowsAnyAsync<Exception>(() => Note(key).ReadAsync());
        Assert.Contains("would be stored as a number", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task States_survive_a_restart_of_silos_and_store()
    {
        await Note("n-restart").WriteAsync(Text("kept"));
        await _fixture.StopSilosAsync();
        await _fixture.ReopenAsync();
        await _fixture.StartSilosAsync();
        Assert.Equal("kept", (await Note("n-restart").ReadAsync()).State.Text);
    }

    [Fact]
    public async Task A_state_of_a_newer_version_stops_its_grain_and_is_unchanged_INV_14()
    {
        _fixture.Sql(
            "INSERT INTO states (kind, id, n0, n1, version, payload) VALUES ('note', 'n-newer', 0, 0, 4, '{\"schemaVersion\":9,\"text\":\"future\"}')"
        );
        var read = await Assert.ThrowsAnyAsync<Exception>(() => Note("n-newer").ReadAsync());
        Assert.Contains("Stored state note 'n-newer' (schema version 9)", read.ToString(), StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<Exception>(() => Note("n-newer").WriteAsync(Text("x")));
        var row = Assert.Single(_fixture.Sql("SELECT version, payload FROM states WHERE id = 'n-newer'"));
        Assert.Equal([4L, "{\"schemaVersion\":9,\"text\":\"future\"}"], row);
        // The silo continues.
        Assert.Equal("1", await Note("n-neighbour").WriteAsync(Text("fine")));
    }

    [Fact]
    public async Task Concurrent_grain_writes_share_commits()
    {
        var before = _fixture.Counts;
        await Task.WhenAll(Enumerable.Range(0, 400).Select(i => Note($"n-many-{i}").WriteAsync(Text("x"))));
        var commits = _fixture.Counts.Commits - before.Commits;
        Assert.Equal(400, _fixture.Counts.Statements - before.Statements);
        Assert.True(commits < 400, $"{commits} commits for 400 writes");
    }

    private static async Task ReactivateAsync(INoteRow grain)
    {
        var before = await grain.ActivationAsync();
        await grain.ForgetAsync();
        await Polling.TrueAsync(async () => await grain.ActivationAsync() != before);
    }
}

public sealed class GrainPersistenceTestsOnSqlite() : GrainPersistenceTests(new SqliteFixture());

public sealed class GrainPersistenceTestsOnPostgreSql() : GrainPersistenceTests(new PostgreSqlFixture());

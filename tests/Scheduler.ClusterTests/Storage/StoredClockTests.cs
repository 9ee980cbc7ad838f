using Scheduler.Storage;
using Xunit;

namespace Scheduler.ClusterTests.Storage;

public abstract class StoredClockTests(StoreFixture fixture, bool hasOwnClock) : IAsyncLifetime
{
    private readonly StoreFixture _fixture = fixture;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await _fixture.OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task The_last_mark_is_read_back_with_the_clock_of_the_store()
    {
        var clock = new SqlStoredClock(_fixture.Store);
        Assert.Null(clock.Read().Mark);
        var wall = StoreFixture.Noon.AddDays(1);

        await clock.WriteAsync(StoreFixture.Noon, wall, Ct);
        await clock.WriteAsync(StoreFixture.Noon.AddSeconds(-5), wall.AddSeconds(5), Ct);

        var read = clock.Read();
        Assert.False(read.IsMeasuring);
        Assert.Equal(StoreFixture.Noon.AddSeconds(-5), read.Mark!.Time);
        Assert.Equal(hasOwnClock, read.Wall is not null);
        Assert.Equal(hasOwnClock, await clock.WallAsync(Ct) is not null);
        if (hasOwnClock)
        {
            Assert.InRange(read.Mark.Wall, read.Wall!.Value - TimeSpan.FromMinutes(1), read.Wall.Value);
        }
        else
        {
            Assert.Equal(wall.AddSeconds(5), read.Mark.Wall);
        }
    }
}

public sealed class StoredClockTestsOnSqlite() : StoredClockTests(new SqliteFixture(), hasOwnClock: false);

public sealed class StoredClockTestsOnPostgreSql() : StoredClockTests(new PostgreSqlFixture(), hasOwnClock: true);

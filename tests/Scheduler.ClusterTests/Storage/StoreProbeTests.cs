using Scheduler.Storage;
using Xunit;

namespace Scheduler.ClusterTests.Storage;

public abstract class StoreProbeTests(StoreFixture fixture) : IAsyncLifetime
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
    public async Task A_probe_writes_the_same_row_every_time()
    {
        var probe = new SqlStoreProbe(_fixture.Store);
        await probe.WriteAsync(StoreFixture.Noon, Ct);
        await probe.WriteAsync(StoreFixture.Noon.AddSeconds(3), Ct);
        var row = Assert.Single(_fixture.Sql("SELECT id, at FROM probes"));
        Assert.Equal(1L, row[0]);
        Assert.Equal(UtcText.Format(StoreFixture.Noon.AddSeconds(3)), row[1]);
    }
}

public sealed class StoreProbeTestsOnSqlite() : StoreProbeTests(new SqliteFixture());

public sealed class StoreProbeTestsOnPostgreSql() : StoreProbeTests(new PostgreSqlFixture());

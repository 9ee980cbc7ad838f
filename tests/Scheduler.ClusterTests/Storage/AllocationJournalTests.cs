using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Storage.Providers;
using Xunit;
using static Scheduler.ClusterTests.Storage.StoreFixture;

namespace Scheduler.ClusterTests.Storage;

/// <summary>The journal of allocations: one writer wins, and what may exist is never forgotten.</summary>
public abstract class AllocationJournalTests(StoreFixture fixture) : IAsyncLifetime
{
    private static readonly ProviderId RunPod = new("runpod");
    private readonly StoreFixture _fixture = fixture;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private SqlAllocationJournal Journal => new(_fixture.Store);

    public async ValueTask InitializeAsync() => await _fixture.OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task An_entry_is_read_back_as_written()
    {
        var entry = Entry("i-a-r1-a1") with
        {
            AskedAt = Noon.AddMilliseconds(7),
            VendorId = "pod-1",
            Notes = """{"Port":8000}""",
        };

        Assert.True(await Journal.TryWriteAsync(entry, Ct));

        Assert.Equal(entry with { Version = 1 }, await Journal.FindAsync(RunPod, entry.Key, Ct));
        Assert.Null(await Journal.FindAsync(new ProviderId("vast"), entry.Key, Ct));
        Assert.Null(await Journal.FindAsync(RunPod, new AllocationKey("i-b-r1-a1"), Ct));
    }

    [Fact]
    public async Task Of_many_writers_of_one_version_one_wins()
    {
        var entry = Entry("i-a-r1-a1");
        for (var round = 0L; round < 3; round++)
        {
            var version = round;
            var won = await Task.WhenAll(
                Enumerable
                    .Range(0, 8)
                    .Select(i => Journal.TryWriteAsync(entry with { VendorId = $"pod-{i}", Version = version }, Ct))
            );

            var stored = await Journal.FindAsync(RunPod, entry.Key, Ct);
            Assert.Equal(version + 1, stored!.Version);
            Assert.Equal(stored.VendorId, $"pod-{Array.IndexOf(won, true)}");
            Assert.Single(won, true);
        }
    }

    [Fact]
    public async Task What_may_exist_is_listed_and_only_the_rest_is_forgotten()
    {
        foreach (var phase in Enum.GetValues<AllocationPhase>())
        {
            Assert.True(await Journal.TryWriteAsync(Entry($"i-{phase}-r1-a1") with { Phase = phase }, Ct));
        }

        Assert.Equal(
            ["Asking", "Held", "Releasing"],
            (await Journal.ListOpenAsync(RunPod, Ct)).Select(entry => entry.Phase.ToString()).Order()
        );
        await Journal.ForgetAsync(RunPod, Noon, Ct);
        Assert.NotNull(await Journal.FindAsync(RunPod, new AllocationKey("i-Released-r1-a1"), Ct));
        await Journal.ForgetAsync(RunPod, Noon.AddMilliseconds(1), Ct);
        Assert.Null(await Journal.FindAsync(RunPod, new AllocationKey("i-Released-r1-a1"), Ct));
        Assert.Null(await Journal.FindAsync(RunPod, new AllocationKey("i-Refused-r1-a1"), Ct));
        Assert.Equal(3, (await Journal.ListOpenAsync(RunPod, Ct)).Count);
    }

    private static AllocationEntry Entry(string key) =>
        new()
        {
            Provider = RunPod,
            Key = new AllocationKey(key),
            Tag = new AllocationTag("a cluster", new InstanceId("i-a")),
            Phase = AllocationPhase.Asking,
            ChangedAt = Noon,
        };
}

public sealed class AllocationJournalTestsOnSqlite() : AllocationJournalTests(new SqliteFixture());

public sealed class AllocationJournalTestsOnPostgreSql() : AllocationJournalTests(new PostgreSqlFixture());

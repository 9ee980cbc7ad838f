using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Keys;
using Scheduler.Domain.Providers;
using Scheduler.Storage.Entities;
using Scheduler.Storage.Instances;
using Xunit;

namespace Scheduler.ClusterTests.Storage;

/// <summary>Lists match a plain filter over the same records, page by page, and stay fast with many rows.</summary>
public abstract class InstanceIndexTests(StoreFixture fixture) : IAsyncLifetime
{
    private static readonly string[] Accounts = ["acct-a", "acct-b", "acct-c"];

    private readonly StoreFixture _fixture = fixture;
    private readonly List<InstanceRecord> _records = [];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private SqlInstanceIndex Index => new(_fixture.Store, NullLogger<SqlInstanceIndex>.Instance);

    public async ValueTask InitializeAsync()
    {
        await _fixture.OpenAsync();
        await FillAsync(300);
    }

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    public static TheoryData<InstanceQuery> Queries() =>
        [
            new InstanceQuery(),
            new InstanceQuery { Account = new AccountId("acct-b") },
            new InstanceQuery { States = [InstanceState.Failed] },
            new InstanceQuery { States = [InstanceState.Deleted, InstanceState.Running], Limit = 7 },
            new InstanceQuery
            {
                Account = new AccountId("acct-a"),
                States = [InstanceState.Running, InstanceState.Failed],
            },
            new InstanceQuery { Account = new AccountId("acct-a"), Code = FailureCode.ProviderTimeout },
            new InstanceQuery { Region = "eu-1", Limit = 3 },
            new InstanceQuery { Provider = "simulated", GpuType = "RTX 4090" },
            new InstanceQuery { Provider = "nobody" },
            new InstanceQuery { Text = "SERVE-17" },
            new InstanceQuery { Text = "%" },
            new InstanceQuery { Text = "'; DROP TABLE instances --" },
            new InstanceQuery { ServingName = "serve-171" },
        ];

    [Fact]
    public async Task The_burn_rate_is_that_of_the_metered_runs_of_matching_running_instances()
    {
        foreach (var account in Accounts)
        {
            var tabs = _records
                .Where(record => record.Account.Value == account)
                .Select(record => new InstanceTab
                {
                    Instance = record.Id,
                    Run = 1,
                    MeterSince = StoreFixture.Noon,
                    PricePerHour = new MicroEuro(PriceOf(record)),
                    Closed = IsClosed(record),
                });
            await _fixture.WriteStateAsync(
                "account",
                account,
                StoreFixture.Account(account) with
                {
                    ChangedTabs = [.. tabs],
                }
            );
        }

        foreach (
            var query in new[]
            {
                new InstanceQuery(),
                new InstanceQuery { Account = new AccountId("acct-b") },
                new InstanceQuery { Region = "eu-1" },
                new InstanceQuery { Account = new AccountId("acct-a"), Text = "SERVE-1" },
                new InstanceQuery { States = [InstanceState.Failed] },
            }
        )
        {
            var matching = new List<InstanceRecord>();
            for (var page = await Index.ListAsync(query, Cancelled); ; )
            {
                matching.AddRange(page.Instances);
                if (page.Next is null)
                {
                    break;
                }

                page = await Index.ListAsync(query with { After = page.Next }, Cancelled);
            }

            var expected = matching
                .Where(record => record.State == InstanceState.Running && !IsClosed(record))
                .Sum(PriceOf);
            Assert.Equal(new MicroEuro(expected), await Index.SumBurnAsync(query, 1_000_000, Cancelled));
            Assert.Equal(query.States.Length > 0, expected == 0);
        }

        static long PriceOf(InstanceRecord record) => 1_000 + record.ServingName.Length;

        static bool IsClosed(InstanceRecord record) => record.Id.Value.EndsWith('7');
    }

    [Fact]
    public async Task An_allocation_id_finds_its_instance_within_the_access_scope_INV_08()
    {
        var record = StoreFixture.Instance("i-allocated", account: "acct-b") with
        {
            State = InstanceState.Running,
            Allocation = new Allocation { ProviderAllocationId = "vm-'7", Status = AllocationStatus.Ready },
        };
        await _fixture.WriteStateAsync("instance", "i-allocated", record);

        Assert.Equal(["i-allocated"], await FindAsync("vm-'7", null));
        Assert.Equal(["i-allocated"], await FindAsync("vm-'7", new AccountId("acct-b")));
        Assert.Empty(await FindAsync("vm-'7", new AccountId("acct-a")));
        Assert.Empty(await FindAsync("vm-", null));

        async Task<IEnumerable<string>> FindAsync(string allocation, AccountId? account) =>
            (await Index.ListByAllocationAsync(allocation, account, 10, Cancelled)).Select(found => found.Id.Value);
    }

    [Theory]
    [MemberData(nameof(Queries))]
    public async Task Pages_together_match_a_plain_filter(InstanceQuery query)
    {
        var listed = new List<string>();
        var next = query;
        while (next is not null)
        {
            var page = await Index.ListAsync(next, Cancelled);
            Assert.True(page.Instances.Length <= query.Limit);
            listed.AddRange(page.Instances.Select(record => record.Id.Value));
            next = page.Next is null ? null : query with { After = page.Next };
        }

        var expected = _records
            .Where(record => Matches(record, query))
            .OrderByDescending(record => record.CreatedAt)
            .ThenByDescending(record => record.Id.Value, StringComparer.Ordinal)
            .Select(record => record.Id.Value);
        Assert.Equal(expected, listed);
    }

    [Fact]
    public async Task Counts_match_and_exclude_deleted_instances()
    {
        var counts = await Index.CountByStateAsync(new AccountId("acct-b"), Cancelled);
        var expected = _records
            .Where(record => record.Account == new AccountId("acct-b") && record.State != InstanceState.Deleted)
            .CountBy(record => record.State)
            .OrderBy(pair => pair.Key)
            .Select(pair => (pair.Key, (long)pair.Value));
        Assert.Equal(expected, counts.Select(pair => (pair.Key, pair.Value)));
    }

    [Fact]
    public async Task An_unreadable_record_is_skipped_and_the_list_continues_INV_14()
    {
        var version = _records.Single(record => record.Id.Value == "i-00007").Versioned().SchemaVersion;
        _fixture.Sql(
            $"{_fixture.WithoutTriggers}; UPDATE states SET payload = replace(payload, '\"schemaVersion\":{version}', '\"schemaVersion\":9') WHERE id = 'i-00007'"
        );
        var query = new InstanceQuery { Limit = 1000 };
        var listed = await Index.ListAsync(query, Cancelled);
        Assert.Equal(_records.Count(record => Matches(record, query)) - 1, listed.Instances.Length);
    }

    [Fact]
    public async Task Small_kinds_are_listed_by_account_and_id()
    {
        foreach (
            var (id, account) in new[]
            {
                ("key-b", "acct-a"),
                ("key-a", "acct-a"),
                ("key-c", "acct-b"),
                ("key-d", null),
            }
        )
        {
            await _fixture.WriteStateAsync(
                "key",
                id,
                new KeyRecord
                {
                    Id = id,
                    Account = account is null ? null : new AccountId(account),
                    SecretSha256 = "00",
                }
            );
        }

        var index = new SqlEntityIndex(_fixture.Store, NullLogger<SqlEntityIndex>.Instance);
        var mine = await index.ListAsync<KeyRecord>("key", new AccountId("acct-a"), "", 10, Cancelled);
        Assert.Equal(["key-a", "key-b"], mine.Select(key => key.Id));
        var all = await index.ListAsync<KeyRecord>("key", null, "key-a", 2, Cancelled);
        Assert.Equal(["key-b", "key-c"], all.Select(key => key.Id));
        _fixture.Sql(
            $"{_fixture.WithoutTriggers}; UPDATE states SET payload = replace(payload, '\"schemaVersion\":{new KeyRecord().SchemaVersion}', '\"schemaVersion\":99') WHERE id = 'key-b'"
        );
        var readable = await index.ListAsync<KeyRecord>("key", null, "", 2, Cancelled);
        Assert.Equal(["key-a", "key-c"], readable.Select(key => key.Id));
    }

    /// <summary>Prints the cost of lists with 100,000 rows; asserts only that none takes a second.</summary>
    [Fact(Explicit = true)]
    public async Task Lists_stay_fast_with_many_rows()
    {
        await FillAsync(100_000);
        var clock = TimeProvider.System;
        foreach (var query in Queries().Select(row => row.Data with { Limit = 100 }))
        {
            var times = new List<double>();
            for (var i = 0; i < 5; i++)
            {
                var start = clock.GetTimestamp();
                _ = await Index.ListAsync(query, Cancelled);
                times.Add(clock.GetElapsedTime(start).TotalMilliseconds);
            }

            times.Sort();
            TestContext.Current.TestOutputHelper?.WriteLine($"{times[2]:F1} ms  {query}");
            Assert.True(times[2] < 1000, $"{times[2]} ms for {query}");
        }

        var counting = clock.GetTimestamp();
        _ = await Index.CountByStateAsync(null, Cancelled);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{clock.GetElapsedTime(counting).TotalMilliseconds:F1} ms  counts"
        );
    }

    private static bool Matches(InstanceRecord record, InstanceQuery query) =>
        (query.Account is null || record.Account == query.Account)
        && (query.States.IsEmpty ? record.State != InstanceState.Deleted : query.States.Contains(record.State))
        && (query.Code == FailureCode.None || record.Failure?.Failure.Code == query.Code)
        && (query.Provider is null || Same(record.Intent?.Offer.Provider.Value, query.Provider))
        && (query.Region is null || Same(record.Intent?.Offer.Region, query.Region))
        && (query.GpuType is null || Same(record.Intent?.Offer.GpuType, query.GpuType))
        && (query.ServingName is null || Same(record.ServingName, query.ServingName))
        && (
            query.Text is null
            || record.ServingName.Contains(query.Text, StringComparison.OrdinalIgnoreCase)
            || record.Spec.Model.Contains(query.Text, StringComparison.OrdinalIgnoreCase)
            || record.Id.Value.Contains(query.Text, StringComparison.OrdinalIgnoreCase)
        );

    private static bool Same(string? a, string? b) => string.Equals(a, b, StringComparison.Ordinal);

    private static InstanceRecord Make(int i)
    {
        var state = (InstanceState)(i % 7 == 1 ? 7 : i % 7);
        return StoreFixture.Instance(
            string.Create(CultureInfo.InvariantCulture, $"i-{i:D5}"),
            account: Accounts[i % 3]
        ) with
        {
            ServingName = string.Create(CultureInfo.InvariantCulture, $"serve-{i}"),
            State = state,
            // Several records share a moment, so that the id decides the order.
            CreatedAt = StoreFixture.Noon.AddMilliseconds(i / 4),
            Intent =
                state is InstanceState.Stopped
                    ? null
                    : StoreFixture.Instance("i-x").Intent! with
                    {
                        Offer = StoreFixture.Offer() with { Region = $"eu-{i % 5}" },
                    },
            Failure =
                state is InstanceState.Failed
                    ? new FailureRecord { Failure = new Failure { Code = FailureCode.ProviderTimeout } }
                    : null,
        };
    }

    private async Task FillAsync(int count)
    {
        var from = _records.Count;
        _records.AddRange(Enumerable.Range(from, count - from).Select(Make));
        foreach (var chunk in _records.Skip(from).Chunk(1000))
        {
            await Task.WhenAll(chunk.Select(record => _fixture.WriteStateAsync("instance", record.Id.Value, record)));
        }
    }
}

public sealed class InstanceIndexTestsOnSqlite() : InstanceIndexTests(new SqliteFixture());

public sealed class InstanceIndexTestsOnPostgreSql() : InstanceIndexTests(new PostgreSqlFixture());

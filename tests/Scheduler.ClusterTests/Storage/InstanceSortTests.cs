using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Storage.Instances;
using Xunit;

namespace Scheduler.ClusterTests.Storage;

/// <summary>
/// For every order, filter and page size, the concatenated pages are the sorted list and counts equal its length.
/// </summary>
public abstract class InstanceSortTests(StoreFixture fixture) : IAsyncLifetime
{
    private const int Many = 100_000;
    private const int Few = 12;
    private static readonly string[] Accounts = ["acct-a", "acct-b", "acct-c"];
    private static readonly InstanceSort[] Sorts = Enum.GetValues<InstanceSort>();

    private readonly StoreFixture _fixture = fixture;
    private readonly List<InstanceRecord> _records = [];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private SqlInstanceIndex Index => new(_fixture.Store, NullLogger<SqlInstanceIndex>.Instance);

    public async ValueTask InitializeAsync() => await _fixture.OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Pages_in_every_order_are_the_sorted_list_without_gaps_or_repeats()
    {
        var random = new Random(20_261_128);
        await FillAsync(random, 150);
        for (var i = 0; i < 120; i++)
        {
            var query = AnyQuery(random) with { Sort = Sorts[i % Sorts.Length] };
            var expected = Sorted(query).Select(record => record.Id.Value).ToList();
            Assert.Equal(expected, await ReadAllAsync(query));
            Assert.Equal(expected.Count, await Index.CountAsync(query, 1000, Cancelled));
            var most = random.Next(1, 20);
            Assert.Equal(Math.Min(most, expected.Count), await Index.CountAsync(query, most, Cancelled));
        }
    }

    [Fact]
    public async Task Unchanged_rows_are_listed_once_while_others_move_to_the_front()
    {
        var random = new Random(7);
        await FillAsync(random, 60);
        var query = new InstanceQuery { Sort = InstanceSort.RecentlyChanged, Limit = 10 };
        var first = await Index.ListAsync(query, Cancelled);
        var moved = Sorted(query).Last();
        await _fixture.WriteStateAsync(
            "instance",
            moved.Id.Value,
            moved with
            {
                UpdatedAt = StoreFixture.Noon.AddDays(1),
                Events = [],
            },
            expectedVersion: 1
        );

        var rest = await ReadAllAsync(query with { After = first.Next });
        Assert.Equal(
            Sorted(query).Select(record => record.Id.Value).Where(id => id != moved.Id.Value),
            [.. first.Instances.Select(record => record.Id.Value), .. rest]
        );
        Assert.Equal(moved.Id, (await Index.ListAsync(query, Cancelled)).Instances[0].Id);
    }

    [Theory]
    [InlineData(InstanceSort.RecentlyChanged)]
    [InlineData(InstanceSort.ServingName)]
    [InlineData(InstanceSort.BurnRate)]
    public async Task A_cursor_of_another_order_is_refused(InstanceSort sort)
    {
        var cursor = new InstanceCursor(StoreFixture.Noon, new InstanceId("i-1"));
        await Assert.ThrowsAsync<ArgumentException>(() =>
            Index.ListAsync(new InstanceQuery { Sort = sort, After = cursor }, Cancelled)
        );
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1_000_001)]
    public async Task Counts_stop_at_their_limit(int most) =>
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() =>
            Index.CountAsync(new InstanceQuery(), most, Cancelled)
        );

    /// <summary>
    /// Prints the cost of each query with 100,000 rows and as many tombstones; asserts only that none takes half a
    /// second.
    /// </summary>
    [Fact(Explicit = true)]
    public async Task Sorted_lists_and_counts_stay_fast_with_many_rows()
    {
        await FillAsync(new Random(1), Many, stones: Many / 5);
        await _fixture.SettleAsync();
        var filters = new Dictionary<string, InstanceQuery>(StringComparer.Ordinal)
        {
            ["all"] = new(),
            ["state"] = new() { States = [InstanceState.Running] },
            ["two states"] = new() { States = [InstanceState.Running, InstanceState.Failed] },
            ["text, common"] = new() { Text = "serve-1" },
            ["text, rare"] = new() { Text = "SERVE-17-77" },
            ["account"] = new() { Account = new AccountId("acct-a") },
            ["account and state"] = new() { Account = new AccountId("acct-a"), States = [InstanceState.Failed] },
            ["small account"] = new() { Account = new AccountId("acct-tiny") },
        };
        foreach (var (name, filter) in filters)
        {
            foreach (var sort in Sorts)
            {
                var query = filter with { Sort = sort, Limit = 100 };
                var first = await MeasureAsync($"{name}, {sort}", () => Index.ListAsync(query, Cancelled));
                if (first.Next is { } next)
                {
                    var second = query with { After = next };
                    await MeasureAsync($"{name}, {sort}, next", () => Index.ListAsync(second, Cancelled));
                }
            }

            await MeasureAsync($"{name}, counted", () => Index.CountAsync(filter, Many, Cancelled));
        }
    }

    private static async Task<T> MeasureAsync<T>(string what, Func<Task<T>> ask)
    {
        var clock = TimeProvider.System;
        var times = new List<double>();
        T answer = default!;
        for (var i = 0; i < 7; i++)
        {
            var start = clock.GetTimestamp();
            answer = await ask();
            times.Add(clock.GetElapsedTime(start).TotalMilliseconds);
        }

        times.Sort();
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{times[0], 7:F1} ms at best, {times[3], 7:F1} ms in the middle  {what}"
        );
        // Other work on the machine makes a measurement slow, never fast.
        Assert.True(times[0] < 500, $"{times[0]} ms for {what}");
        return answer;
    }

    private static InstanceQuery AnyQuery(Random random) =>
        new()
        {
            Account = random.Next(2) == 0 ? null : new AccountId(Accounts[random.Next(Accounts.Length)]),
            States = random.Next(3) switch
            {
                0 => [],
                1 => [AnyState(random)],
                _ => [AnyState(random), AnyState(random), InstanceState.Deleted],
            },
            Text = random.Next(4) == 0 ? "serve-1" : null,
            ServingName = random.Next(8) == 0 ? "serve-3-0" : null,
            Limit = random.Next(1, 40),
        };

    private static InstanceState AnyState(Random random) =>
        random.Next(4) switch
        {
            0 => InstanceState.Deleted,
            1 => InstanceState.Failed,
            2 => InstanceState.Running,
            _ => InstanceState.Stopped,
        };

    private async Task<List<string>> ReadAllAsync(InstanceQuery query)
    {
        var listed = new List<string>();
        for (InstanceQuery? next = query; next is not null; )
        {
            var page = await Index.ListAsync(next, Cancelled);
            Assert.InRange(page.Instances.Length, 0, query.Limit);
            listed.AddRange(page.Instances.Select(record => record.Id.Value));
            next = page.Next is null ? null : query with { After = page.Next };
        }

        return listed;
    }

    private IEnumerable<InstanceRecord> Sorted(InstanceQuery query)
    {
        var matching = _records.Where(record =>
            (query.Account is null || record.Account == query.Account)
            && (query.States.IsEmpty ? record.State != InstanceState.Deleted : query.States.Contains(record.State))
            && (query.ServingName is null || record.ServingName == query.ServingName)
            && (query.Text is null || record.ServingName.Contains(query.Text, StringComparison.Ordinal))
        );
        return query.Sort switch
        {
            InstanceSort.Newest => matching.OrderByDescending(r => r.CreatedAt).ThenByDescending(IdOf, Bytewise),
            InstanceSort.Oldest => matching.OrderBy(r => r.CreatedAt).ThenBy(IdOf, Bytewise),
            InstanceSort.RecentlyChanged => matching
                .OrderByDescending(r => r.UpdatedAt)
                .ThenByDescending(IdOf, Bytewise),
            InstanceSort.ServingName => matching
                .OrderBy(r => r.ServingName, Bytewise)
                .ThenBy(r => r.CreatedAt)
                .ThenBy(IdOf, Bytewise),
            InstanceSort.BurnRate => matching
                .OrderByDescending(BurnOf)
                .ThenByDescending(r => r.CreatedAt)
                .ThenByDescending(IdOf, Bytewise),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private static long BurnOf(InstanceRecord record) =>
        record.State == InstanceState.Running && TabOf(record) is { Closed: false } tab ? tab.PricePerHour.Value : 0;

    /// <summary>A metered run with one of few prices, a closed one, or none.</summary>
    private static InstanceTab? TabOf(InstanceRecord record) =>
        record.ServingName.Length % 3 == 0
            ? null
            : new InstanceTab
            {
                Instance = record.Id,
                Run = 1,
                MeterSince = StoreFixture.Noon,
                PricePerHour = new MicroEuro(1_000 + (record.ServingName[^1] % 4)),
                Closed = record.Id.Value.EndsWith('7'),
            };

    private static StringComparer Bytewise => StringComparer.Ordinal;

    private static string IdOf(InstanceRecord record) => record.Id.Value;

    // Few distinct times, names and ids, in an order different from their creation: ties in every column but the last.
    private static InstanceRecord Make(Random random, int i, InstanceState state, int moments) =>
        StoreFixture.Instance(
            string.Create(CultureInfo.InvariantCulture, $"i-{random.Next(1_000_000):D6}-{i}"),
            account: i % 5000 == 17 ? "acct-tiny" : Accounts[random.Next(Accounts.Length)]
        ) with
        {
            ServingName = string.Create(CultureInfo.InvariantCulture, $"serve-{random.Next(30)}-{i % moments}"),
            State = state,
            CreatedAt = StoreFixture.Noon.AddMilliseconds(moments > Few ? i : random.Next(moments)),
            UpdatedAt = StoreFixture.Noon.AddMilliseconds(random.Next(moments)),
            WakeAt = null,
        };

    private async Task FillAsync(Random random, int count, int stones = 0)
    {
        var made = Enumerable
            .Range(0, count + stones)
            .Select(i =>
                Make(
                    random,
                    i,
                    stones == 0 ? AnyState(random)
                        : i >= count ? InstanceState.Deleted
                        : (InstanceState)(i % 7 == 1 ? 6 : i % 7),
                    stones == 0 ? Few : count
                )
            )
            .ToImmutableArray();
        _records.AddRange(made);
        foreach (var chunk in made.Chunk(1000))
        {
            await Task.WhenAll(chunk.Select(record => _fixture.WriteStateAsync("instance", record.Id.Value, record)));
        }

        foreach (var account in made.GroupBy(record => record.Account.Value))
        {
            await _fixture.WriteStateAsync(
                "account",
                account.Key,
                StoreFixture.Account(account.Key) with
                {
                    ChangedTabs = [.. account.Select(TabOf).OfType<InstanceTab>()],
                }
            );
        }
    }
}

public sealed class InstanceSortTestsOnSqlite() : InstanceSortTests(new SqliteFixture());

public sealed class InstanceSortTestsOnPostgreSql() : InstanceSortTests(new PostgreSqlFixture());

using System.Globalization;
using Npgsql;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Storage.Events;
using Xunit;
using static Scheduler.ClusterTests.Storage.StoreFixture;

namespace Scheduler.ClusterTests.Storage;

/// <summary>
/// Failures over time and the detection of new events, compared with a plain walk over the same events.
/// </summary>
public abstract class FailureLogTests(StoreFixture fixture) : IAsyncLifetime
{
    private static readonly FailureCode[] Codes =
    [
        FailureCode.None,
        FailureCode.OomKilled,
        FailureCode.ProviderTimeout,
        FailureCode.SmartNoMatch,
    ];

    private readonly List<SubjectEvent> _failures = [];

    protected static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    protected StoreFixture Fixture { get; } = fixture;

    private SqlEventLog Log => new(Fixture.Store);

    public async ValueTask InitializeAsync() => await Fixture.OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await Fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Counts_by_code_and_time_match_a_plain_walk_in_every_access_scope_INV_08()
    {
        var random = new Random(11);
        await FillAsync(random);
        for (var i = 0; i < 60; i++)
        {
            var account = AnyAccount(random);
            var until = Noon.AddMilliseconds(random.Next(4_000));
            var window = TimeSpan.FromMilliseconds(random.Next(1, 3_000));
            var buckets = random.Next(1, 12);
            var counted = await Log.CountFailuresAsync(account, until, window, buckets, Cancelled);
            Assert.Equal(Expected(account, until, window, buckets), counted.OrderBy(c => (c.Code, c.Bucket)));
        }
    }

    [Fact]
    public async Task The_latest_failures_are_listed_newest_first_within_the_access_scope_INV_08()
    {
        var random = new Random(12);
        await FillAsync(random);
        for (var i = 0; i < 60; i++)
        {
            var (account, code, limit) = (AnyAccount(random), Codes[random.Next(1, Codes.Length)], random.Next(1, 60));
            var latest = await Log.ReadFailuresAsync(code, account, limit, Cancelled);
            var expected = _failures
                .Where(failure => failure.Event.Code == code && (account is null || failure.Subject.Account == account))
                .OrderByDescending(failure => failure.Event.At)
                .ThenByDescending(failure => failure.Subject.Id, StringComparer.Ordinal)
                .ThenByDescending(failure => failure.Event.Sequence)
                .Take(limit);
            Assert.Equal(
                expected.Select(failure => (failure.Subject, failure.Event.Sequence, failure.Event.At)),
                latest.Select(failure => (failure.Subject, failure.Event.Sequence, failure.Event.At))
            );
            Assert.All(latest, failure => Assert.Equal(code, failure.Event.Code));
        }
    }

    [Fact]
    public async Task Codes_of_a_newer_version_and_other_kinds_of_event_are_skipped()
    {
        await Fixture.WriteStateAsync(
            "account",
            "acct-a",
            Account("acct-a") with
            {
                Events = [Event(1) with { Code = FailureCode.OomKilled }],
            }
        );
        Fixture.Sql(
            "INSERT INTO events (kind, id, sequence, account, at, trigger, reason, actor, code, data) "
                + "VALUES ('instance', 'i-new', 1, 'acct-a', '2026-03-01T12:00:01.000Z', 'Lost', '', 'scheduler', 'SUN_BURNT_OUT', '{}')"
        );
        Assert.Empty(await Log.CountFailuresAsync(null, Noon.AddHours(1), TimeSpan.FromDays(1), 4, Cancelled));
        Assert.Empty(await Log.ReadFailuresAsync(FailureCode.OomKilled, null, 10, Cancelled));
    }

    [Fact]
    public async Task The_pulse_increases_with_every_event_write()
    {
        var pulse = await Log.PulseAsync(Cancelled);
        for (var i = 0; i < 20; i++)
        {
            await Fixture.WriteStateAsync("instance", $"i-{i}", Instance($"i-{i}"));
            var next = await Log.PulseAsync(Cancelled);
            Assert.True(next > pulse, $"{next} after {pulse}");
            pulse = next;
        }
    }

    [Fact]
    public async Task An_unchanged_pulse_means_that_no_event_was_missed()
    {
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 8).Select(WriteAsync).ToArray();
        var seen = new List<(long Pulse, long Before, long After)>();
        for (var i = 0; i < 400; i++)
        {
            var before = await CountAsync();
            var pulse = await Log.PulseAsync(Cancelled);
            seen.Add((pulse, before, await CountAsync()));
        }

        await stop.CancelAsync();
        await Task.WhenAll(writers);

        foreach (var ((earlier, _, atMost), (later, atLeast, _)) in seen.Zip(seen.Skip(1)))
        {
            Assert.True(later >= earlier, $"{later} after {earlier}");
            // Rows read after the first pulse contain all events that existed at the second pulse.
            Assert.True(later > earlier || atLeast <= atMost, $"{atLeast} events after {atMost} at pulse {later}");
        }

        async Task WriteAsync(int writer)
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var id = string.Create(CultureInfo.InvariantCulture, $"i-{writer}-{i}");
                await Fixture.WriteStateAsync("instance", id, Instance(id));
            }
        }

        async Task<long> CountAsync() =>
            (await Fixture.Store.ListAsync("SELECT COUNT(*) FROM events", [], row => row.Number(0), Cancelled))[0];
    }

    /// <summary>
    /// Prints the cost of each query with 100,000 failures among 300,000 events; asserts only that none takes half a
    /// second.
    /// </summary>
    [Fact(Explicit = true)]
    public async Task Failure_queries_stay_fast_with_many_events()
    {
        const int atOnce = 300;
        foreach (var chunk in Enumerable.Range(0, 1000).Chunk(100))
        {
            await Task.WhenAll(
                chunk.Select(i =>
                    Fixture.WriteStateAsync(
                        "instance",
                        $"i-{i}",
                        Instance($"i-{i}", account: i % 50 == 0 ? "acct-small" : "acct-a") with
                        {
                            Events =
                            [
                                .. Enumerable
                                    .Range(1, atOnce)
                                    .Select(n =>
                                        Event(n) with
                                        {
                                            At = Noon.AddSeconds((i * atOnce) + n),
                                            Code = n % 3 == 0 ? Codes[1 + (n / 3 % 3)] : FailureCode.None,
                                        }
                                    ),
                            ],
                        }
                    )
                )
            );
        }

        await Fixture.SettleAsync();
        var end = Noon.AddSeconds(300_001);
        foreach (var account in new AccountId?[] { null, new("acct-a"), new("acct-small") })
        {
            foreach (var window in new[] { TimeSpan.FromHours(1), TimeSpan.FromDays(1), TimeSpan.FromDays(31) })
            {
                await MeasureAsync(
                    $"counts of {window} in 200, {account?.Value ?? "all"}",
                    () => Log.CountFailuresAsync(account, end, window, 200, Cancelled)
                );
            }

            await MeasureAsync(
                $"latest 100, {account?.Value ?? "all"}",
                () => Log.ReadFailuresAsync(FailureCode.OomKilled, account, 100, Cancelled)
            );
        }

        await MeasureAsync("pulse", () => Log.PulseAsync(Cancelled));
    }

    private static async Task MeasureAsync<T>(string what, Func<Task<T>> ask)
    {
        var clock = TimeProvider.System;
        var times = new List<double>();
        for (var i = 0; i < 7; i++)
        {
            var start = clock.GetTimestamp();
            _ = await ask();
            times.Add(clock.GetElapsedTime(start).TotalMilliseconds);
        }

        times.Sort();
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{times[0], 7:F2} ms at best, {times[3], 7:F2} ms in the middle  {what}"
        );
        // Other work on the machine makes a measurement slow, never fast.
        Assert.True(times[0] < 500, $"{times[0]} ms for {what}");
    }

    private static AccountId? AnyAccount(Random random) =>
        random.Next(3) switch
        {
            0 => null,
            1 => new AccountId("acct-a"),
            _ => new AccountId("acct-b"),
        };

    private IEnumerable<FailureCount> Expected(
        AccountId? account,
        DateTimeOffset until,
        TimeSpan window,
        int buckets
    ) =>
        _failures
            .Where(failure => account is null || failure.Subject.Account == account)
            .Where(failure => failure.Event.At > until - window && failure.Event.At <= until)
            .GroupBy(failure =>
                (
                    failure.Event.Code,
                    // Counted from the end, where an interval is closed.
                    Bucket: buckets - 1 - (int)((until - failure.Event.At).Ticks * buckets / window.Ticks)
                )
            )
            .Select(group => new FailureCount(group.Key.Code, group.Key.Bucket, group.Count()))
            .OrderBy(count => (count.Code, count.Bucket));

    private async Task FillAsync(Random random)
    {
        for (var i = 0; i < 12; i++)
        {
            var id = $"i-{i}";
            var account = i % 3 == 0 ? "acct-b" : "acct-a";
            var events = Enumerable
                .Range(1, 30)
                .Select(n =>
                    Event(n) with
                    {
                        // Many events share a moment.
                        At = Noon.AddMilliseconds(random.Next(40) * 100),
                        Code = Codes[random.Next(Codes.Length)],
                    }
                )
                .ToArray();
            await Fixture.WriteStateAsync("instance", id, Instance(id, account: account) with { Events = [.. events] });
            var subject = new EventSubject("instance", id, new AccountId(account));
            _failures.AddRange(
                events.Where(e => e.Code != FailureCode.None).Select(happened => new SubjectEvent(subject, happened))
            );
        }
    }
}

public sealed class FailureLogTestsOnSqlite() : FailureLogTests(new SqliteFixture());

public sealed class FailureLogTestsOnPostgreSql() : FailureLogTests(new PostgreSqlFixture())
{
    [Fact]
    public async Task The_pulse_increases_for_a_transaction_that_began_first_and_ends_last()
    {
        var log = new SqlEventLog(Fixture.Store);
        await using var source = NpgsqlDataSource.Create(
            ((PostgreSqlFixture)Fixture).Options.PostgreSql.ConnectionString!
        );
        await using var first = await source.OpenConnectionAsync(Cancelled);
        await using var second = await source.OpenConnectionAsync(Cancelled);
        await using var slow = await first.BeginTransactionAsync(Cancelled);
        await InsertAsync(first, 1);
        await using var quick = await second.BeginTransactionAsync(Cancelled);
        await InsertAsync(second, 2);
        List<long> pulses = [await log.PulseAsync(Cancelled)];
        await quick.CommitAsync(Cancelled);
        pulses.Add(await log.PulseAsync(Cancelled));
        await slow.CommitAsync(Cancelled);
        pulses.Add(await log.PulseAsync(Cancelled));

        Assert.True(pulses[0] < pulses[1] && pulses[1] < pulses[2], string.Join(", ", pulses));
    }

    private static async Task InsertAsync(NpgsqlConnection connection, int sequence)
    {
        await using var command = connection.CreateCommand();
        command.CommandText =
            "INSERT INTO events (kind, id, sequence, at, trigger, reason, actor, data) "
            + $"VALUES ('instance', 'i-a', {sequence}, now(), 'Start', '', 'scheduler', '{{}}')";
        await command.ExecuteNonQueryAsync(Cancelled);
    }
}

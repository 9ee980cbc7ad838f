using Scheduler.Domain.Failures;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Storage.Firewalls;
using Xunit;
using static Scheduler.ClusterTests.Storage.StoreFixture;

namespace Scheduler.ClusterTests.Storage;

/// <summary>Evaluations are rows that are added and deleted with the writes of their account.</summary>
public abstract class EvaluationLogTests(StoreFixture fixture) : IAsyncLifetime
{
    private static readonly AccountId A = new("acct-a");
    private readonly StoreFixture _fixture = fixture;

    public async ValueTask InitializeAsync()
    {
        await _fixture.OpenAsync();
        await _fixture.StartSilosAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_batch_is_one_write_and_is_listed_newest_first()
    {
        var before = _fixture.Counts;
        await WriteAsync(A, 0, new() { NewEvaluations = [.. Enumerable.Range(1, 200).Select(i => One(i))] });
        Assert.Equal((before.Commits + 1, before.Statements + 1), _fixture.Counts);

        var newest = await ListAsync(A, null, long.MaxValue, 3);
        Assert.Equal([200, 199, 198], newest.Select(one => one.Sequence));
        Assert.Equal([197, 196], (await ListAsync(A, null, 198, 2)).Select(one => one.Sequence));
        var expected = One(200);
        Assert.Equal(expected, newest[0] with { Matched = expected.Matched });
        Assert.Equal(expected.Matched, newest[0].Matched);
    }

    [Fact]
    public async Task A_list_contains_only_evaluations_of_its_firewall_and_account()
    {
        await WriteAsync(A, 0, new() { NewEvaluations = [One(1), One(2) with { Firewall = "watch" }, One(3)] });
        await WriteAsync(new("acct-b"), 0, new() { NewEvaluations = [One(1), One(2)] });
        Assert.Equal([3, 1], (await ListAsync(A, "strict", long.MaxValue, 10)).Select(one => one.Sequence));
        Assert.Equal([2], (await ListAsync(A, "watch", long.MaxValue, 10)).Select(one => one.Sequence));
        Assert.Empty(await ListAsync(new("acct-c"), null, long.MaxValue, 10));
        Assert.Equal(2, (await ListAsync(new("acct-b"), null, long.MaxValue, 10)).Count);
    }

    [Fact]
    public async Task A_write_deletes_evaluations_beyond_its_count_and_age_limits()
    {
        await WriteAsync(A, 0, new() { NewEvaluations = [.. Enumerable.Range(1, 6).Select(i => One(i))] });
        await WriteAsync(new("acct-b"), 0, new() { NewEvaluations = [One(1)] });
        await WriteAsync(
            A,
            1,
            new()
            {
                NewEvaluations = [One(7)],
                ForgetUpTo = 2,
                ForgetBefore = Noon.AddMinutes(5),
            }
        );
        Assert.Equal([7, 6, 5], (await ListAsync(A, null, long.MaxValue, 10)).Select(one => one.Sequence));
        Assert.Single(await ListAsync(new("acct-b"), null, long.MaxValue, 10));
    }

    private Task<string?> WriteAsync(AccountId account, long wroteBefore, EvaluationsRecord record) =>
        _fixture
            .Grains.GetGrain<IEvaluationsRow>($"evaluations-{account}")
            .WriteAsync(
                record with
                {
                    Account = account,
                    LastEvaluation = wroteBefore + record.NewEvaluations.Length,
                    RecordedAt = Noon,
                }
            );

    private async Task<IReadOnlyList<FirewallEvaluation>> ListAsync(
        AccountId account,
        string? firewall,
        long before,
        int limit
    ) =>
        await new SqlEvaluationLog(_fixture.Store).ListAsync(
            account,
            firewall,
            before,
            limit,
            TestContext.Current.CancellationToken
        );

    private static FirewallEvaluation One(int sequence) =>
        new()
        {
            Sequence = sequence,
            At = Noon.AddMinutes(sequence),
            RequestId = new RequestId($"req-{sequence}"),
            Firewall = "strict",
            Version = 3,
            Mode = FirewallMode.Block,
            Decision = FirewallDecision.Match,
            Matched = ["jailbreak", "malware"],
            LatencyMs = 87,
            Judge = "judge",
            Code = FailureCode.FirewallBlocked,
            Prompt = "user: 'quoted' \"text\" {}",
        };
}

public sealed class EvaluationLogTestsOnSqlite() : EvaluationLogTests(new SqliteFixture());

public sealed class EvaluationLogTestsOnPostgreSql() : EvaluationLogTests(new PostgreSqlFixture());

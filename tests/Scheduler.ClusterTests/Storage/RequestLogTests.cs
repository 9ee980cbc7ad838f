using Scheduler.Domain.Ids;
using Scheduler.Domain.Requests;
using Scheduler.Storage.Requests;
using Xunit;
using static Scheduler.ClusterTests.Storage.StoreFixture;

namespace Scheduler.ClusterTests.Storage;

/// <summary>Answered requests are rows with an age and a count limit.</summary>
public abstract class RequestLogTests(StoreFixture fixture) : IAsyncLifetime
{
    private static readonly AccountId A = new("acct-a");
    private static readonly AccountId B = new("acct-b");
    private readonly StoreFixture _fixture = fixture;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private SqlRequestLog Log => new(_fixture.Store);

    public async ValueTask InitializeAsync() => await _fixture.OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_request_is_found_by_both_ids_and_a_repeated_write_adds_nothing()
    {
        var one = One(1, A) with
        {
            CorrelationId = "mine",
            KeyId = "key-1",
            Attempts = [new RequestAttempt(new InstanceId("i-1"), "chat", "OK", 200, TimeSpan.FromMilliseconds(3.5))],
            Queued = TimeSpan.FromMilliseconds(0.1),
            PromptTokens = 7,
        };
        await Log.AddAsync([one, One(2, A) with { CorrelationId = "mine" }], Ct);
        await Log.AddAsync([one with { Code = "CHANGED" }], Ct);

        var found = Assert.Single(await FindAsync("req-0001", null));
        Assert.Equal(one, found with { Attempts = one.Attempts });
        Assert.Equal(one.Attempts, found.Attempts);
        Assert.Equal(["req-0002", "req-0001"], (await FindAsync("mine", A)).Select(request => request.Id.Value));
        Assert.Empty(await FindAsync("mine", B));
        Assert.Empty(await Log.FindAsync("mine", A, Noon.AddMinutes(5), 10, Ct));
    }

    [Fact]
    public async Task The_latest_requests_are_listed_by_account_and_refusal()
    {
        await Log.AddAsync([One(1, A), One(2, A) with { Code = "OK" }, One(3, B), One(4, null)], Ct);

        Assert.Equal(["req-none-4", "req-0003", "req-0002", "req-0001"], await ListAsync(null, onlyRefused: false));
        Assert.Equal(["req-none-4", "req-0003", "req-0001"], await ListAsync(null, onlyRefused: true));
        Assert.Equal(["req-0001"], await ListAsync(A, onlyRefused: true));
    }

    [Fact]
    public async Task Old_requests_and_those_beyond_the_count_of_their_account_are_deleted()
    {
        // Many in one millisecond: they are deleted together.
        await Log.AddAsync([.. Enumerable.Range(1000, 5000).Select(i => One(0, B) with { Id = new($"req-{i}") })], Ct);
        await Log.AddAsync([.. Enumerable.Range(1, 60).Select(i => One(i, A)), One(1, null), One(30, null)], Ct);
        await Log.ForgetAsync(Noon.AddMinutes(10), 20, Ct);

        Assert.Equal(
            Enumerable.Range(41, 20).Select(i => $"req-{i:0000}").Reverse(),
            await ListAsync(A, onlyRefused: false)
        );
        Assert.Empty(await ListAsync(B, onlyRefused: false));
        Assert.Equal(21, (await ListAsync(null, onlyRefused: false)).Count);
    }

    private Task<IReadOnlyList<AnsweredRequest>> FindAsync(string id, AccountId? account) =>
        Log.FindAsync(id, account, Noon, 10, Ct);

    private async Task<List<string>> ListAsync(AccountId? account, bool onlyRefused) =>
        [.. (await Log.ListAsync(account, onlyRefused, Noon, 1000, Ct)).Select(request => request.Id.Value)];

    private static AnsweredRequest One(int minute, AccountId? account) =>
        new()
        {
            Id = new RequestId(account is null ? $"req-none-{minute}" : $"req-{minute:0000}"),
            Account = account,
            At = Noon.AddMinutes(minute),
            Plane = "inference",
            What = "POST /v1/chat/completions",
            Status = 404,
            Code = "MODEL_NOT_FOUND",
            Took = TimeSpan.FromMilliseconds(4),
        };
}

public sealed class RequestLogTestsOnSqlite() : RequestLogTests(new SqliteFixture());

public sealed class RequestLogTestsOnPostgreSql() : RequestLogTests(new PostgreSqlFixture());

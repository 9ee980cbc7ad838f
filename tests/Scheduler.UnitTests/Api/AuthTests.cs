using Grpc.Core;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Keys;
using Xunit;

namespace Scheduler.UnitTests.Api;

public sealed class AuthTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    public static TheoryData<string?, string> Bad =>
        new()
        {
            { null, "AUTH_MISSING_TOKEN" },
            { "", "AUTH_MISSING_TOKEN" },
            { "Basic abc", "AUTH_INVALID_TOKEN" },
            { "Bearer nonsense", "AUTH_INVALID_TOKEN" },
            { $"Bearer sk-aaaaaaaaaaaa-{new string('x', 43)}", "AUTH_INVALID_TOKEN" },
        };

    [Fact]
    public async Task No_answer_of_the_API_is_stored_by_a_cache()
    {
        HttpAnswer[] answers =
        [
            await api.SendAsync("GET", "/v1/accounts/acct-a", api.KeyOfA),
            await api.SendAsync("GET", "/v1/accounts/acct-a"),
            await api.SendAsync("GET", "/v1/nothing", api.KeyOfA),
            await api.SendAsync("POST", "/v1/accounts/acct-a/keys", api.KeyOfA, """{"display_name":"new"}"""),
        ];
        Assert.Contains("\"token\"", answers[^1].Text, StringComparison.Ordinal);
        Assert.All(answers, answer => Assert.Equal("no-store", answer.Headers["Cache-Control"]));
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task Each_authentication_error_has_its_code_on_both_transports(string? header, string reason)
    {
        var http = await api.SendAsync("GET", "/v1/providers", header ?? null);
        Assert.Equal((401, reason), (http.Status, http.Reason));
        Assert.Equal((int)StatusCode.Unauthenticated, http.Json.GetProperty("code").GetInt32());

        var headers = header is null ? [] : new Metadata { { "authorization", header } };
        var grpc = await Assert.ThrowsAsync<RpcException>(async () =>
            await new global::Scheduler.Api.V1.Providers.ProvidersClient(api.Grpc).ListProvidersAsync(
                new(),
                headers,
                cancellationToken: TestContext.Current.CancellationToken
            )
        );
        Assert.Equal(StatusCode.Unauthenticated, grpc.StatusCode);
        var info = grpc.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>()!;
        Assert.Equal(reason, info.Reason);
        Assert.Equal(http.Metadata["hint"], info.Metadata["hint"]);
    }

    [Fact]
    public async Task The_error_for_a_wrong_secret_shows_the_prefix_and_not_the_secret()
    {
        var wrong = api.KeyOfA[..^1] + (api.KeyOfA[^1] == 'A' ? 'B' : 'A');
        var answer = await api.SendAsync("GET", "/v1/providers", wrong);
        Assert.Equal("AUTH_INVALID_TOKEN", answer.Reason);
        Assert.Contains(wrong[..15], answer.Text);
        Assert.DoesNotContain(wrong[16..], answer.Text);
    }

    [Fact]
    public async Task A_revoked_key_is_refused_at_once_by_the_process_that_revoked_it()
    {
        var token = await api.KeyAsync(new AccountId("acct-a"));
        Assert.Equal(200, (await api.SendAsync("GET", "/v1/providers", token)).Status);
        var keyId = ApiFixture.KeyIdOf(token);
        var revoked = await api.SendAsync("POST", $"/v1/accounts/acct-a/keys/{keyId}:revoke", api.KeyOfA, "{}");
        Assert.Equal(200, revoked.Status);
        var answer = await api.SendAsync("GET", "/v1/providers", token);
        Assert.Equal((401, "AUTH_REVOKED_TOKEN"), (answer.Status, answer.Reason));
    }

    [Fact]
    public async Task Malformed_tokens_are_refused_without_a_grain_call()
    {
        var before = api.Cluster.Calls.Count(call => call.StartsWith("IKeyGrain"));
        await api.SendAsync("GET", "/v1/providers", "Bearer sk-short");
        await api.SendAsync("GET", "/v1/providers", $"Bearer sk-AAAAAAAAAAAA-{new string('x', 43)}");
        Assert.Equal(before, api.Cluster.Calls.Count(call => call.StartsWith("IKeyGrain")));
    }

    [Fact]
    public async Task A_create_returns_the_secret_once_and_a_repeated_create_is_refused()
    {
        const string body = """{"displayName":"ci","requestId":"once"}""";
        var made = await api.SendAsync("POST", "/v1/accounts/acct-a/keys", api.KeyOfA, body);
        Assert.Equal(200, made.Status);
        var token = made.Json.GetProperty("token").GetString()!;
        Assert.Equal(200, (await api.SendAsync("GET", "/v1/accounts/acct-a", token)).Status);
        var again = await api.SendAsync("POST", "/v1/accounts/acct-a/keys", api.KeyOfA, body);
        Assert.Equal((409, "ALREADY_EXISTS"), (again.Status, again.Reason));
        Assert.DoesNotContain(token[16..], again.Text);
    }

    [Fact]
    public async Task The_bootstrap_key_is_an_operator_key_and_may_be_created_again()
    {
        var token = KeyAuthority.NewToken().Reveal();
        await api.Authority.EnsureBootstrapOperatorKeyAsync(token);
        await api.Authority.EnsureBootstrapOperatorKeyAsync(token);
        Assert.Equal(200, (await api.SendAsync("GET", "/v1/accounts", token)).Status);
        await Assert.ThrowsAsync<ArgumentException>(() => api.Authority.EnsureBootstrapOperatorKeyAsync("sk-x"));
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            api.Authority.EnsureBootstrapOperatorKeyAsync(token[..^43] + new string('x', 43))
        );
    }
}

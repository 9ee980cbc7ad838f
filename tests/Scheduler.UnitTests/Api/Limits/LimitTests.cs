using System.Globalization;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Api.V1;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Keys;
using Xunit;

namespace Scheduler.UnitTests.Api.Limits;

/// <summary>The request limits, over both transports.</summary>
public sealed class LimitTests
{
    private const string Path = "/v1/providers";

    private readonly FakeTimeProvider _clock = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_key_over_its_rate_is_refused_with_a_retry_time_and_accepted_after_it()
    {
        await using var api = await OpenAsync(("RequestsPerSecondPerKey", 1), ("RequestBurstPerKey", 3));
        for (var left = 2; left >= 0; left--)
        {
            var passed = await api.SendAsync("GET", Path, api.KeyOfA);
            Assert.Equal(200, passed.Status);
            Assert.Equal($"3 {left} {3 - left}", RateOf(passed));
        }

        var refused = await api.SendAsync("GET", Path, api.KeyOfA);

        Assert.Equal((429, "RATE_LIMITED"), (refused.Status, refused.Reason));
        Assert.Equal((int)StatusCode.ResourceExhausted, refused.Json.GetProperty("code").GetInt32());
        Assert.Equal("1", refused.Headers["Retry-After"]);
        Assert.Equal("3 0 3", RateOf(refused));
        Assert.Equal(refused.RequestId, refused.Metadata["request_id"]);
        Assert.Equal("1", refused.Metadata["retry_after_seconds"]);
        Assert.StartsWith("Try again after 1 s;", refused.Metadata["hint"], StringComparison.Ordinal);
        Assert.Equal("1s", refused.Detail("google.rpc.RetryInfo")!.Value.GetProperty("retryDelay").GetString());
        _clock.Advance(TimeSpan.FromSeconds(1) - TimeSpan.FromTicks(1));
        Assert.Equal(429, (await api.SendAsync("GET", Path, api.KeyOfA)).Status);
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(200, (await api.SendAsync("GET", Path, api.KeyOfA)).Status);
        Assert.Equal(429, (await api.SendAsync("GET", Path, api.KeyOfA)).Status);
    }

    [Fact]
    public async Task Grpc_returns_the_retry_time_as_trailer_and_as_error_detail()
    {
        await using var api = await OpenAsync(("RequestsPerSecondPerKey", 4), ("RequestBurstPerKey", 1));
        await ListAsync(api, api.KeyOfA);

        var refused = await Assert.ThrowsAsync<RpcException>(() => ListAsync(api, api.KeyOfA));

        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.Equal("1", refused.Trailers.GetValue("retry-after"));
        Assert.Equal("0", refused.Trailers.GetValue("ratelimit-remaining"));
        var status = refused.GetRpcStatus()!;
        var info = status.GetDetail<Google.Rpc.ErrorInfo>()!;
        Assert.Equal("RATE_LIMITED", info.Reason);
        Assert.Equal(refused.Trailers.GetValue("x-request-id"), info.Metadata["request_id"]);
        var wait = status.GetDetail<Google.Rpc.RetryInfo>()!.RetryDelay.ToTimeSpan();
        Assert.Equal(TimeSpan.FromSeconds(0.25), wait);
        _clock.Advance(wait);
        await ListAsync(api, api.KeyOfA);
    }

    [Fact]
    public async Task A_flood_by_one_key_limits_no_other_key_even_of_the_same_account()
    {
        await using var api = await OpenAsync(("RequestsPerSecondPerKey", 1), ("RequestBurstPerKey", 2));
        var sibling = await api.KeyAsync(new AccountId("acct-a"));
        var flood = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => api.SendAsync("GET", Path, api.KeyOfA)));
        Assert.Equal(48, flood.Count(answer => answer.Status == 429));
        foreach (var key in new[] { api.KeyOfB, sibling, api.Operator })
        {
            Assert.Equal(200, (await api.SendAsync("GET", Path, key)).Status);
        }
    }

    [Fact]
    public async Task Operators_have_a_rate_only_if_one_is_set_and_probes_have_none()
    {
        await using var api = await OpenAsync(("RequestsPerSecondPerKey", 1), ("RequestBurstPerKey", 1));
        for (var i = 0; i < 20; i++)
        {
            var answer = await api.SendAsync("GET", Path, api.Operator);
            Assert.Equal(200, answer.Status);
            Assert.DoesNotContain("RateLimit-Limit", answer.Headers.Keys);
        }

        await using var limited = await OpenAsync(
            ("RequestsPerSecondPerOperatorKey", 1),
            ("RequestBurstPerOperatorKey", 2),
            ("UnknownPerSecondPerAddress", 1),
            ("UnknownBurstPerAddress", 1)
        );
        await limited.SendAsync("GET", Path, limited.Operator);
        await limited.SendAsync("GET", Path, limited.Operator);
        Assert.Equal(429, (await limited.SendAsync("GET", Path, limited.Operator)).Status);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(200, (await limited.SendAsync("GET", "/livez")).Status);
        }
    }

    [Fact]
    public async Task Refused_requests_count_against_the_rate_of_their_key()
    {
        await using var api = await OpenAsync(("RequestsPerSecondPerKey", 1), ("RequestBurstPerKey", 2));
        Assert.Equal(403, (await api.SendAsync("GET", "/v1/accounts", api.KeyOfA)).Status);
        Assert.Equal(400, (await api.SendAsync("GET", Path + "?nonsense=1", api.KeyOfA)).Status);
        Assert.Equal(429, (await api.SendAsync("GET", Path, api.KeyOfA)).Status);
    }

    [Fact]
    public async Task A_key_over_its_request_limit_is_refused_until_a_request_ends()
    {
        await using var api = await OpenAsync(("MaxRequestsPerKey", 2));
        var name = await InstanceAsync(api);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        api.Cluster.Gate = gate.Task;
        var calls = api.Cluster.Calls.Count;
        var open = Enumerable.Range(0, 2).Select(_ => api.SendAsync("GET", $"/v1/{name}", api.KeyOfA)).ToList();
        while (api.Cluster.Calls.Skip(calls).Count(call => call.StartsWith("IInstanceGrain")) < 2)
        {
            await Task.Yield();
        }

        var http = await api.SendAsync("GET", Path, api.KeyOfA);
        var grpc = await Assert.ThrowsAsync<RpcException>(() => ListAsync(api, api.KeyOfA));

        Assert.Equal((429, "RATE_LIMITED", "2"), (http.Status, http.Reason, http.Metadata["request_limit"]));
        Assert.Equal("1", http.Headers["Retry-After"]);
        Assert.Equal(StatusCode.ResourceExhausted, grpc.StatusCode);
        Assert.Equal(200, (await api.SendAsync("GET", Path, api.KeyOfB)).Status);
        gate.SetResult();
        Assert.All(await Task.WhenAll(open), answer => Assert.Equal(200, answer.Status));
        Assert.Equal(200, (await api.SendAsync("GET", Path, api.KeyOfA)).Status);
    }

    [Fact]
    public async Task A_key_over_its_stream_limit_is_refused_until_a_stream_ends()
    {
        await using var api = await OpenAsync(("MaxWatchStreamsPerKey", 1), ("MaxRequestsPerKey", 1));
        var name = await InstanceAsync(api);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        using var first = Watch(api, name, end.Token);
        Assert.True(await first.ResponseStream.MoveNext(Ct));

        using var second = Watch(api, name, Ct);
        var grpc = await Assert.ThrowsAsync<RpcException>(() => second.ResponseStream.MoveNext(Ct));
        var http = await api.SendAsync("GET", $"/v1/{name}:watch", api.KeyOfA);

        Assert.Equal(StatusCode.ResourceExhausted, grpc.StatusCode);
        Assert.Equal("5", grpc.Trailers.GetValue("retry-after"));
        Assert.Equal((429, "RATE_LIMITED", "1"), (http.Status, http.Reason, http.Metadata["stream_limit"]));
        Assert.Equal(200, (await api.SendAsync("GET", Path, api.KeyOfA)).Status);
        await end.CancelAsync();
        await OpensAsync(api, name);
    }

    [Fact]
    public async Task Guessed_keys_are_refused_without_a_grain_call_and_known_keys_still_work()
    {
        await using var api = await OpenAsync(("UnknownPerSecondPerAddress", 1), ("UnknownBurstPerAddress", 3));
        Assert.Equal(200, (await api.SendAsync("GET", Path, api.KeyOfA)).Status);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(401, (await api.SendAsync("GET", Path, KeyAuthority.NewToken().Reveal())).Status);
        }

        var calls = api.Cluster.Calls.Count;
        var http = await api.SendAsync("GET", Path, KeyAuthority.NewToken().Reveal());
        var grpc = await Assert.ThrowsAsync<RpcException>(() => ListAsync(api, api.KeyOfB));

        Assert.Equal(calls, api.Cluster.Calls.Count);
        Assert.Equal((429, "RATE_LIMITED"), (http.Status, http.Reason));
        Assert.Equal(StatusCode.ResourceExhausted, grpc.StatusCode);
        Assert.Equal(429, (await api.SendAsync("GET", "/v1/failures")).Status);
        Assert.Equal(200, (await api.SendAsync("GET", Path, api.KeyOfA)).Status);
        _clock.Advance(TimeSpan.FromSeconds(int.Parse(http.Headers["Retry-After"], CultureInfo.InvariantCulture)));
        Assert.Equal(200, (await api.SendAsync("GET", Path, api.KeyOfB)).Status);
    }

    [Fact]
    public async Task A_revoked_key_is_reported_as_revoked_even_after_the_guess_limit()
    {
        await using var api = await OpenAsync(("UnknownPerSecondPerAddress", 1), ("UnknownBurstPerAddress", 1));
        var token = await api.KeyAsync(new AccountId("acct-a"));
        Assert.Equal(200, (await api.SendAsync("GET", Path, token)).Status);
        var revoke = $"/v1/accounts/acct-a/keys/{ApiFixture.KeyIdOf(token)}:revoke";
        Assert.Equal(200, (await api.SendAsync("POST", revoke, api.KeyOfA, "{}")).Status);
        Assert.Equal(401, (await api.SendAsync("GET", Path, "Bearer nonsense")).Status);
        Assert.Equal("AUTH_REVOKED_TOKEN", (await api.SendAsync("GET", Path, token)).Reason);
    }

    private static string RateOf(HttpAnswer answer) =>
        $"{answer.Headers["RateLimit-Limit"]} {answer.Headers["RateLimit-Remaining"]} {answer.Headers["RateLimit-Reset"]}";

    private static async Task ListAsync(ApiFixture api, string key) =>
        await new global::Scheduler.Api.V1.Providers.ProvidersClient(api.Grpc).ListProvidersAsync(
            new(),
            ApiFixture.Headers(key),
            cancellationToken: Ct
        );

    private static AsyncServerStreamingCall<Instance> Watch(ApiFixture api, string name, CancellationToken end) =>
        new Instances.InstancesClient(api.Grpc).WatchInstance(
            new() { Name = name },
            ApiFixture.Headers(api.KeyOfA),
            cancellationToken: end
        );

    /// <summary>
    /// Opens a stream. Retries, because the API notices the end of the previous stream a little later.
    /// </summary>
    private static async Task OpensAsync(ApiFixture api, string name)
    {
        while (true)
        {
            using var stream = Watch(api, name, Ct);
            try
            {
                Assert.True(await stream.ResponseStream.MoveNext(Ct));
                return;
            }
            catch (RpcException refused) when (refused.StatusCode == StatusCode.ResourceExhausted)
            {
                await Task.Yield();
            }
        }
    }

    private static async Task<string> InstanceAsync(ApiFixture api)
    {
        const string body = """{"servingName":"limited","spec":{"model":"a"}}""";
        var made = await api.SendAsync("POST", "/v1/accounts/acct-a/instances", api.KeyOfA, body);
        return made.Json.GetProperty("name").GetString()!;
    }

    private async Task<ApiFixture> OpenAsync(params (string Name, int Value)[] settings)
    {
        var api = new ApiFixture { Clock = _clock, Settings = settings.ToDictionary(s => s.Name, s => s.Value) };
        await api.InitializeAsync();
        return api;
    }
}

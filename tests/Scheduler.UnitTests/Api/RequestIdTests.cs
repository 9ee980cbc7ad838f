using Grpc.Core;
using Scheduler.Api.V1;
using Xunit;

namespace Scheduler.UnitTests.Api;

public sealed class RequestIdTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Theory]
    [InlineData("GET", "/v1/failures", null, 200)]
    [InlineData("GET", "/v1/providers", null, 401)]
    [InlineData("GET", "/nothing/here", null, 404)]
    [InlineData("PUT", "/v1/failures", null, 405)]
    [InlineData("GET", "/livez", null, 200)]
    [InlineData("GET", "/readyz", null, 200)]
    [InlineData("GET", "/openapi/v1.json", null, 200)]
    [InlineData("GET", "/reference", null, 200)]
    public async Task Every_response_has_a_request_id_made_by_the_server(
        string verb,
        string path,
        string? key,
        int status
    )
    {
        var answer = await api.SendAsync(verb, path, key);
        Assert.Equal(status, answer.Status);
        Assert.Matches("^req-[a-z2-7]{26}$", answer.RequestId);
        if (status >= 400)
        {
            Assert.Equal(answer.RequestId, answer.Metadata["request_id"]);
        }
    }

    [Fact]
    public async Task Refused_bodies_get_a_request_id_too()
    {
        var tooLong = await api.SendAsync("POST", "/v1/accounts", api.Operator, new string('x', 2 * 1024 * 1024));
        Assert.Equal((413, "BODY_TOO_LARGE"), (tooLong.Status, tooLong.Reason));
        var notJson = await api.SendAsync("POST", "/v1/accounts", api.Operator, "x", "text/plain");
        Assert.Equal((415, "UNSUPPORTED_MEDIA_TYPE"), (notJson.Status, notJson.Reason));
        Assert.All([tooLong, notJson], answer => Assert.StartsWith("req-", answer.RequestId));
    }

    [Fact]
    public async Task An_unexpected_exception_is_INTERNAL_and_its_message_stays_hidden()
    {
        api.Cluster.OnStart = () => throw new InvalidDataException("secret detail");
        var name = await InstanceAsync();
        var answer = await api.SendAsync("POST", $"/v1/{name}:start", api.KeyOfA, "{}");
        api.Cluster.OnStart = () => throw new TimeoutException("secret detail");
        var later = await api.SendAsync("POST", $"/v1/{name}:start", api.KeyOfA, "{}");
        api.Cluster.OnStart = null;

        Assert.Equal((500, "INTERNAL"), (answer.Status, answer.Reason));
        Assert.Equal((503, "UNAVAILABLE"), (later.Status, later.Reason));
        Assert.NotNull(later.Detail("google.rpc.RetryInfo"));
        Assert.DoesNotContain("secret", answer.Text + later.Text);
        Assert.Equal(answer.RequestId, answer.Metadata["request_id"]);
    }

    [Theory]
    [InlineData("my-id_1.x", "my-id_1.x")]
    [InlineData("not well formed", "")]
    public async Task The_request_id_of_the_caller_is_returned_as_correlation_id(string sent, string back)
    {
        var answer = await api.SendAsync("GET", "/v1/failures", headers: ("X-Request-Id", sent));
        Assert.Equal(back, answer.CorrelationId);
        Assert.NotEqual(sent, answer.RequestId);
    }

    [Fact]
    public async Task A_grpc_answer_has_the_request_id_in_headers_and_trailers()
    {
        var ct = TestContext.Current.CancellationToken;
        using var call = new Failures.FailuresClient(api.Grpc).ListFailuresAsync(new(), cancellationToken: ct);
        var headers = await call.ResponseHeadersAsync;
        await call;
        var id = headers.GetValue("x-request-id");
        Assert.StartsWith("req-", id);
        Assert.Equal(id, call.GetTrailers().GetValue("x-request-id"));

        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await new global::Scheduler.Api.V1.Providers.ProvidersClient(api.Grpc).ListProvidersAsync(
                new(),
                cancellationToken: ct
            )
        );
        Assert.Contains(refused.Trailers, t => t.Key is "x-request-id");
    }

    private async Task<string> InstanceAsync()
    {
        var answer = await api.SendAsync(
            "POST",
            "/v1/accounts/acct-a/instances",
            api.KeyOfA,
            """{"servingName":"m","spec":{"model":"a/b"},"requestId":"unforeseen"}"""
        );
        Assert.Equal(200, answer.Status);
        return answer.Json.GetProperty("name").GetString()!;
    }
}

using Google.Protobuf;
using Grpc.Core;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.UnitTests.Api.Limits;

/// <summary>Requests while others hold all of the memory budget.</summary>
public sealed class ApiMemoryTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private const string Models = "/v1/accounts/acct-a/models";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_body_that_does_not_fit_is_refused_in_the_shape_of_the_API_and_fits_later()
    {
        var body = $$"""{"model":"tiny","config_json":"{{new string('x', 100_000)}}"}""";
        var rest = api.Memory.Bound - 500_000;
        Assert.True(api.Memory.TryTake(rest));

        var refused = await api.SendAsync("POST", Models, api.KeyOfA, body);

        Assert.Equal((429, "RATE_LIMITED", "1"), (refused.Status, refused.Reason, refused.Headers["Retry-After"]));
        Assert.Equal($"{api.Memory.Bound}", refused.Metadata["process_limit_bytes"]);
        Assert.Equal(200, (await api.SendAsync("GET", Models, api.KeyOfA)).Status);
        api.Memory.GiveBack(rest);
        Assert.Equal(200, (await api.SendAsync("POST", Models, api.KeyOfA, body)).Status);
        // A request gives back its share when it ends on the server, which is after the client has its answer.
        await Eventually.TrueAsync(() => api.Memory.Held == 0, "all is given back");
    }

    [Fact]
    public async Task A_gRPC_message_that_does_not_fit_ends_with_a_reason()
    {
        var models = new Models.ModelsClient(api.Grpc);
        var request = new RegisterModelRequest
        {
            Parent = "accounts/acct-a",
            Model = "tiny",
            GgufHeader = ByteString.CopyFrom(new byte[1_000_000]),
        };
        var rest = api.Memory.Bound - 1_000_000;
        Assert.True(api.Memory.TryTake(rest));

        var refused = await Assert.ThrowsAsync<RpcException>(() => SendAsync().ResponseAsync);
        api.Memory.GiveBack(rest);
        await SendAsync();

        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.Contains("bytes of memory", refused.Status.Detail);
        Assert.NotNull(refused.Trailers.Get("grpc-status-details-bin"));
        // A request gives back its share when it ends on the server, which is after the client has its answer.
        await Eventually.TrueAsync(() => api.Memory.Held == 0, "all is given back");

        AsyncUnaryCall<Model> SendAsync() =>
            models.RegisterModelAsync(request, ApiFixture.Headers(api.KeyOfA), cancellationToken: Ct);
    }
}

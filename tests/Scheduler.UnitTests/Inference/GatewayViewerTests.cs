using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Keys;
using Xunit;

namespace Scheduler.UnitTests.Inference;

/// <summary>Viewer keys at the gateway: they may list models and may not call them.</summary>
public sealed class GatewayViewerTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/v1/chat/completions", """{"model":"chat","messages":[{"role":"user","content":"hello"}]}""")]
    [InlineData("/v1/chat/completions", """{"model":"chat","stream":true,"messages":[]}""")]
    [InlineData("/v1/completions", """{"model":"chat","prompt":"hello"}""")]
    [InlineData("/v1/embeddings", """{"model":"chat","input":"hello"}""")]
    public async Task A_viewer_key_is_refused_before_the_runtime_is_called(string path, string body)
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var asked = 0;
        await gateway.ServeAsync(
            "chat",
            http =>
            {
                Interlocked.Increment(ref asked);
                return http.Response.WriteAsync("{}", Ct);
            }
        );
        gateway.Key = await gateway.KeyAsync(KeyRole.Viewer);

        var (status, error) = await gateway.RefusedAsync(path, body);

        Assert.Equal((403, "PERMISSION_DENIED"), (status, error.GetProperty("code").GetString()));
        Assert.Contains("viewer", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Contains("full key", error.GetProperty("hint").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, asked);
    }

    [Fact]
    public async Task A_viewer_key_can_list_the_models()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        await gateway.ServeAsync("chat", _ => Task.CompletedTask);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        var key = await gateway.KeyAsync(KeyRole.Viewer);
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");

        using var response = await gateway.Http.SendAsync(request, Ct);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var names = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Ct)).RootElement.GetProperty("data");
        Assert.Equal("chat", Assert.Single(names.EnumerateArray()).GetProperty("id").GetString());
    }
}

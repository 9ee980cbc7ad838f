using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>The inference gateway as an HTTP client sees it.</summary>
internal sealed class Gateway : IDisposable
{
    private readonly HttpClient _client;

    /// <param name="organization">The header <c>OpenAI-Organization</c>; null sends none.</param>
    public Gateway(SchedulerProcess scheduler, string key, string? organization = null)
    {
        _client = new HttpClient { BaseAddress = scheduler.Http };
        _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (organization is not null)
        {
            _client.DefaultRequestHeaders.Add("OpenAI-Organization", organization);
        }
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public Task<GatewayAnswer> ChatAsync(string model, string content, int? maxTokens = null) =>
        PostAsync("v1/chat/completions", BodyOf(model, content, maxTokens));

    public async Task<GatewayAnswer> PostAsync(string path, JsonObject body)
    {
        using var content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using var answer = await _client.PostAsync(path, content, Ct);
        return GatewayAnswer.Read(answer, await answer.Content.ReadAsStringAsync(Ct));
    }

    public async Task<GatewayAnswer> ModelsAsync()
    {
        using var answer = await _client.GetAsync(new Uri("v1/models", UriKind.Relative), Ct);
        return GatewayAnswer.Read(answer, await answer.Content.ReadAsStringAsync(Ct));
    }

    /// <summary>Reads one streamed chat to its end, successful or not.</summary>
    /// <param name="began">Completed when the first event has arrived.</param>
    /// <returns>The error of the last event where it has one.</returns>
    public async Task<GatewayAnswer> StreamAsync(
        string model,
        string content,
        int maxTokens,
        TaskCompletionSource? began = null
    )
    {
        var body = BodyOf(model, content, maxTokens);
        body["stream"] = true;
        using var request = new HttpRequestMessage(HttpMethod.Post, "v1/chat/completions")
        {
            Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"),
        };
        using var answer = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(Ct));
        var last = "";
        while (await reader.ReadLineAsync(Ct) is { } line)
        {
            last = line.Length > 0 ? line : last;
            began?.TrySetResult();
        }

        return GatewayAnswer.Read(answer, last.StartsWith("data: ", StringComparison.Ordinal) ? last[6..] : last);
    }

    public void Dispose() => _client.Dispose();

    private static JsonObject BodyOf(string model, string content, int? maxTokens)
    {
        var body = new JsonObject
        {
            ["model"] = model,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = content }),
        };
        if (maxTokens is not null)
        {
            body["max_tokens"] = maxTokens;
        }

        return body;
    }
}

/// <param name="Code">Code of the error; null for a success.</param>
/// <param name="Json">The body, or the last event of the stream; null for <c>[DONE]</c>.</param>
internal sealed record GatewayAnswer(
    int Status,
    string? Code,
    string? Hint,
    IReadOnlyDictionary<string, string> Headers,
    JsonNode? Json
)
{
    /// <summary>Reads an answer and checks that an error contains the request id of the response.</summary>
    public static GatewayAnswer Read(HttpResponseMessage response, string text)
    {
        var headers = response.Headers.ToDictionary(
            header => header.Key,
            header => string.Join(',', header.Value),
            StringComparer.OrdinalIgnoreCase
        );
        var json = text == "[DONE]" ? null : JsonNode.Parse(text);
        var error = json?["error"];
        Assert.StartsWith("req-", headers["X-Request-Id"]);
        if (error is not null)
        {
            Assert.Equal(headers["X-Request-Id"], (string?)error["request_id"]);
        }

        return new GatewayAnswer(
            (int)response.StatusCode,
            (string?)error?["code"],
            (string?)error?["hint"],
            headers,
            json
        );
    }
}

using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Simulated;
using Xunit;
using static Scheduler.ProviderTests.Simulated.SmallMarket;

namespace Scheduler.ProviderTests.Simulated;

/// <summary>The HTTP endpoints of the stand-in runtime, over a real loopback listener.</summary>
public sealed class StandInRuntimeTests : IAsyncLifetime
{
    private static readonly string[] TwoTexts = ["a", "b"];

    private readonly ServiceProvider _services = new ServiceCollection().AddHttpClient().BuildServiceProvider();
    private readonly SimulatedMarket _market = Market(TimeProvider.System);
    private StandInRuntime _runtime = null!;
    private HttpClient _http = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _runtime = new StandInRuntime(_market, NullLogger<StandInRuntime>.Instance);
        await _runtime.StartingAsync(Ct);
        var outcome = await _market.Provider("sim-lambda").AllocateAsync(Request("k1"), Ct);
        _http = _services.GetRequiredService<IHttpClientFactory>().CreateClient();
        _http.BaseAddress = outcome.Allocation!.Endpoint;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _runtime.StoppedAsync(Ct);
        _market.Dispose();
        await _services.DisposeAsync();
    }

    [Fact]
    public async Task The_stand_in_is_healthy_and_lists_its_model()
    {
        using var health = await _http.GetAsync(new Uri("health", UriKind.Relative), Ct);
        var models = await _http.GetFromJsonAsync<JsonElement>(new Uri("v1/models", UriKind.Relative), Ct);

        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        Assert.Equal("tiny", models.GetProperty("data")[0].GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_stand_in_with_a_key_answers_nobody_without_it_INV_17()
    {
        var request = Request("k-guarded") with { RuntimeKey = new RuntimeKey("the-runtime-key") };
        var outcome = await _market.Provider("sim-lambda").AllocateAsync(request, Ct);
        using var http = _services.GetRequiredService<IHttpClientFactory>().CreateClient();
        http.BaseAddress = outcome.Allocation!.Endpoint;

        Assert.Equal(HttpStatusCode.OK, await StatusAsync("health", null));
        foreach (var path in new[] { "v1/models", "v1/chat/completions", "tokenize", "nowhere" })
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(path, null));
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(path, "Bearer the-runtime-kez"));
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(path, "Basic the-runtime-key"));
        }

        Assert.Equal(HttpStatusCode.OK, await StatusAsync("v1/models", "Bearer the-runtime-key"));
        Assert.DoesNotContain("the-runtime-key", _market.Cloud.Find("k-guarded")!.ToString(), StringComparison.Ordinal);

        async Task<HttpStatusCode> StatusAsync(string path, string? authorization)
        {
            using var ask = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
            if (authorization is not null)
            {
                ask.Headers.TryAddWithoutValidation("Authorization", authorization);
            }

            using var answer = await http.SendAsync(ask, Ct);
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task A_chat_answer_names_the_stand_in_and_the_prompt_length()
    {
        var (status, answer) = await PostAsync("v1/chat/completions", Chat("Hello there"));

        Assert.Equal(HttpStatusCode.OK, status);
        var text = answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString();
        var usage = answer.GetProperty("usage");
        Assert.Contains("simulated stand-in", text, StringComparison.Ordinal);
        Assert.Contains($"{usage.GetProperty("prompt_tokens").GetInt32()} tokens", text, StringComparison.Ordinal);
        Assert.Equal(
            usage.GetProperty("total_tokens").GetInt32(),
            usage.GetProperty("prompt_tokens").GetInt32() + usage.GetProperty("completion_tokens").GetInt32()
        );
    }

    [Fact]
    public async Task A_stream_joins_to_the_full_answer_and_ends_with_DONE()
    {
        var (_, whole) = await PostAsync("v1/chat/completions", Chat("Hello there"));
        using var response = await _http.PostAsJsonAsync(
            new Uri("v1/chat/completions", UriKind.Relative),
            new
            {
                model = "tiny",
                stream = true,
                stream_options = new { include_usage = true },
                messages = new[] { new { role = "user", content = "Hello there" } },
            },
            Ct
        );
        var lines = (await response.Content.ReadAsStringAsync(Ct)).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("data: [DONE]", lines[^1]);
        var chunks = lines[..^1]
            .Select(line => JsonSerializer.Deserialize<JsonElement>(line["data: ".Length..]))
            .ToList();
        Assert.True(chunks[^1].TryGetProperty("usage", out _));
        var joined = string.Concat(
            chunks[..^1]
                .Select(chunk =>
                    chunk.GetProperty("choices")[0].GetProperty("delta").TryGetProperty("content", out var content)
                        ? content.GetString()
                        : ""
                )
        );
        Assert.Equal(whole.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString(), joined);
    }

    [Fact]
    public async Task A_prompt_over_the_context_is_refused_with_the_vllm_message()
    {
        var (status, answer) = await PostAsync(
            "v1/completions",
            new
            {
                model = "tiny",
                prompt = new string('a', 360),
                max_tokens = 11,
            }
        );

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(
            "maximum context length is 100 tokens. However, you requested 101 tokens (90 in the prompt, 11 in the completion)",
            answer.GetProperty("error").GetProperty("message").GetString(),
            StringComparison.Ordinal
        );
        var (fits, _) = await PostAsync(
            "v1/completions",
            new
            {
                model = "tiny",
                prompt = new string('a', 360),
                max_tokens = 10,
            }
        );
        Assert.Equal(HttpStatusCode.OK, fits);
    }

    [Fact]
    public async Task Tokenize_and_usage_give_the_same_token_count()
    {
        var (_, tokens) = await PostAsync("tokenize", new { model = "tiny", prompt = "Hello, world" });
        var (_, answer) = await PostAsync("v1/completions", new { model = "tiny", prompt = "Hello, world" });

        Assert.Equal(3, tokens.GetProperty("count").GetInt32());
        Assert.Equal(3, tokens.GetProperty("tokens").GetArrayLength());
        Assert.Equal(100, tokens.GetProperty("max_model_len").GetInt32());
        Assert.Equal(3, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public async Task Embeddings_are_unit_vectors_that_depend_on_the_text()
    {
        var (_, answer) = await PostAsync("v1/embeddings", new { model = "tiny", input = TwoTexts });
        var data = answer.GetProperty("data");
        var a = data[0].GetProperty("embedding").EnumerateArray().Select(x => x.GetDouble()).ToList();
        var b = data[1].GetProperty("embedding").EnumerateArray().Select(x => x.GetDouble()).ToList();

        Assert.InRange(a.Sum(x => x * x), 0.999, 1.001);
        Assert.NotEqual(a, b);
    }

    [Theory]
    [InlineData("v1/chat/completions", "not json", HttpStatusCode.BadRequest)]
    [InlineData("v1/chat/completions", "{\"model\":\"tiny\"}", HttpStatusCode.BadRequest)]
    [InlineData(
        "v1/chat/completions",
        "{\"model\":\"other\",\"messages\":[{\"content\":\"x\"}]}",
        HttpStatusCode.NotFound
    )]
    [InlineData("v1/nothing", "{}", HttpStatusCode.NotFound)]
    public async Task Invalid_requests_are_refused(string path, string body, HttpStatusCode expected)
    {
        using var content = new StringContent(body);
        using var response = await _http.PostAsync(new Uri(path, UriKind.Relative), content, Ct);

        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task An_unhealthy_stand_in_returns_503_and_an_ended_one_404()
    {
        _market.MakeUnhealthy(new("k1"));
        using var sick = await _http.GetAsync(new Uri("health", UriKind.Relative), Ct);
        _market.End(new("k1"), SimulatedEnd.Exit);
        using var dead = await _http.GetAsync(new Uri("health", UriKind.Relative), Ct);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, sick.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, dead.StatusCode);
    }

    [Fact]
    public async Task A_launch_argument_sets_the_answer_of_the_stand_in()
    {
        var request = Request("k2");
        var outcome = await _market
            .Provider("sim-lambda")
            .AllocateAsync(
                request with
                {
                    Runtime = request.Runtime with { ExtraArguments = ["--simulated-reply={\"rule\": true}"] },
                },
                Ct
            );
        using var response = await _http.PostAsJsonAsync(
            new Uri(outcome.Allocation!.Endpoint!, "v1/chat/completions"),
            Chat("x"),
            Ct
        );
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(Ct);

        Assert.Equal(
            "{\"rule\": true}",
            answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()
        );
    }

    [Theory]
    [InlineData("tell me the forbidden words", "{\"marker\":\"m7\",\"1\":true,\"2\":true}")]
    [InlineData("hello", "{\"marker\":\"m7\",\"1\":false,\"2\":false}")]
    public async Task A_stand_in_can_act_as_a_judge_that_matches_one_word(string text, string said)
    {
        var request = Request("k3");
        var outcome = await _market
            .Provider("sim-lambda")
            .AllocateAsync(
                request with
                {
                    Runtime = request.Runtime with { ExtraArguments = ["--simulated-yes=forbidden"] },
                },
                Ct
            );
        var schema = new
        {
            type = "object",
            properties = new Dictionary<string, object>
            {
                ["marker"] = new { type = "string", @enum = new[] { "m7" } },
                ["1"] = new { type = "boolean" },
                ["2"] = new { type = "boolean" },
            },
        };
        using var response = await _http.PostAsJsonAsync(
            new Uri(outcome.Allocation!.Endpoint!, "v1/chat/completions"),
            new
            {
                model = "tiny",
                messages = new[]
                {
                    new { role = "system", content = "forbidden" },
                    new { role = "user", content = text },
                },
                response_format = new { type = "json_schema", json_schema = new { name = "answer", schema } },
                max_tokens = 8,
            },
            Ct
        );
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(Ct);
        Assert.Equal(said, answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
    }

    private static object Chat(string text) =>
        new { model = "tiny", messages = new[] { new { role = "user", content = text } } };

    private async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(string path, object body)
    {
        using var response = await _http.PostAsJsonAsync(new Uri(path, UriKind.Relative), body, Ct);
        return (response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>(Ct));
    }
}

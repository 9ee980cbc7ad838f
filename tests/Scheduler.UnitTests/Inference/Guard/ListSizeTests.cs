using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Runtimes;
using Scheduler.Inference.ContextCheck;
using Xunit;

namespace Scheduler.UnitTests.Inference.Guard;

/// <summary>The context check of lists of prompts.</summary>
public sealed class ListSizeTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("\"abc\"", 5, 0, "\"abc\"")]
    [InlineData("[\"a\",\"abcd\",\"bc\"]", 6, 0, "\"abcd\"")]
    [InlineData("[1,2,3]", 3, 3, "")]
    [InlineData("[[1],[1,2,3,4],[1,2]]", 4, 4, "")]
    [InlineData("[\"ab\",7,8]", 6, 0, "[\"ab\",7,8]")]
    [InlineData("[\"a\",[1,2,3,4,5]]", 5, 5, "\"a\"")]
    [InlineData("[]", 0, 0, "")]
    public void Each_prompt_has_a_size_of_its_own(string json, long tokens, long ids, string longest)
    {
        var sizes = PromptSizes.Of(Encoding.UTF8.GetBytes(json));

        Assert.Equal(
            (tokens, ids, longest),
            (sizes.MostTokens, sizes.MostIds, Encoding.UTF8.GetString(sizes.Longest.Span))
        );
    }

    [Theory]
    [InlineData(512, 100, 0, 200)]
    [InlineData(8, 2_000, 1, 200)]
    [InlineData(8, 9_000, 1, 413)]
    public async Task At_most_one_call_of_the_tokenizer_checks_a_list(int texts, int length, int calls, int status)
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var counted = 0;
        await gateway.ServeAsync(
            "embedder",
            async http =>
            {
                if (http.Request.Path == "/base/tokenize")
                {
                    Interlocked.Increment(ref counted);
                    var asked = await JsonDocument.ParseAsync(http.Request.Body, cancellationToken: Ct);
                    var count = asked.RootElement.GetProperty("prompt").GetString()!.Length / 10;
                    await http.Response.WriteAsync(
                        string.Create(CultureInfo.InvariantCulture, $$"""{"count":{{count}}}"""),
                        Ct
                    );
                    return;
                }

                await http.Response.WriteAsync("{}", Ct);
            },
            context: 512
        );
        var inputs = Enumerable.Range(0, texts).Select(i => new string('a', i == 3 ? length : 50));

        using var answer = await gateway.PostAsync(
            "/v1/embeddings",
            JsonSerializer.Serialize(new { model = "embedder", input = inputs })
        );

        Assert.Equal(((HttpStatusCode)status, calls), (answer.StatusCode, counted));
    }

    /// <summary>More bytes need not be more tokens: of two long texts the shorter one exceeds the context.</summary>
    [Fact]
    public async Task Every_text_that_may_be_too_long_is_counted()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var counted = 0;
        await gateway.ServeAsync(
            "embedder",
            async http =>
            {
                Assert.Equal("/base/tokenize", http.Request.Path);
                Interlocked.Increment(ref counted);
                var asked = await JsonDocument.ParseAsync(http.Request.Body, cancellationToken: Ct);
                var text = asked.RootElement.GetProperty("prompt").GetString()!;
                await http.Response.WriteAsync(text[0] == 'a' ? """{"count":300}""" : """{"count":700}""", Ct);
            },
            context: 512
        );

        using var answer = await gateway.PostAsync(
            "/v1/embeddings",
            JsonSerializer.Serialize(
                new { model = "embedder", input = new[] { "short", new string('a', 3_000), new string('b', 2_000) } }
            )
        );

        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, 2), (answer.StatusCode, counted));
        var error = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Ct)).RootElement.GetProperty("error");
        Assert.Equal("700", error.GetProperty("details").GetProperty("prompt_tokens").GetString());
    }

    [Theory]
    [InlineData(100, 150, 1)]
    [InlineData(100, 50, 200)]
    [InlineData(100, 150, 200)]
    [InlineData(100, 100, 0)]
    [InlineData(1, 5, 1)]
    public void A_hint_names_no_amount_that_cannot_be_asked_for(long limit, long prompt, long output)
    {
        var hint = Domain
            .Failures.FailureCatalogue.Describe(new ContextTooLargeFacts("chat", limit, prompt, output))
            .Hint;

        Assert.DoesNotMatch(@"\b(0|-\d+) tokens", hint);
        Assert.Contains((prompt + output).ToString(CultureInfo.InvariantCulture), hint, StringComparison.Ordinal);
    }
}

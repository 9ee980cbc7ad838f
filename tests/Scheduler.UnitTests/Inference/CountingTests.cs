using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Billing;
using Scheduler.Grains;
using Scheduler.Inference.Upstream;
using Scheduler.UnitTests.Api;
using Xunit;

namespace Scheduler.UnitTests.Inference;

/// <summary>Every served request is counted once, with its tokens, however it ends.</summary>
public sealed class CountingTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Event = "data: {\"choices\":[{\"delta\":{}}]}\n\n";
    private const string HelloStream =
        """{"model":"chat","stream":true,"messages":[{"role":"user","content":"hello"}]}""";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(100)]
    [InlineData(3_000_000)]
    public async Task An_answer_of_any_length_is_counted(int numbers)
    {
        var gateway = await GatewayFixture.StartAsync();
        FakeUsage usage;
        await using (gateway)
        {
            await gateway.ServeAsync(
                "chat",
                http =>
                    http.Response.WriteAsync(
                        $$"""{"data":[{{new string('1', numbers)}}],"usage":{"prompt_tokens":288,"total_tokens":288},"id":"x"}""",
                        Ct
                    )
            );
            usage = UsageOf(gateway);
            using var response = await gateway.PostAsync("/v1/embeddings", """{"model":"chat","input":"hello"}""");
            var body = await response.Content.ReadAsStringAsync(Ct);
            Assert.EndsWith("\"id\":\"x\"}", body, StringComparison.Ordinal);
        }

        Assert.Equal(new ServedUsage(1, 288, 0), usage.Record.Total);
        var key = (FakeUsage)gateway.Cluster.KeyUsage(ApiFixture.KeyIdOf(gateway.Key));
        Assert.Equal(usage.Record.Total, key.Record.Total);
    }

    [Theory]
    [InlineData(true, 77)]
    [InlineData(false, 9)]
    public async Task A_client_that_leaves_has_its_prompt_and_what_was_generated_counted(bool hasTokenizer, int prompt)
    {
        var gateway = await GatewayFixture.StartAsync();
        FakeUsage usage;
        await using (gateway)
        {
            await gateway.ServeAsync(
                "chat",
                async http =>
                {
                    if (http.Request.Path == "/base/tokenize")
                    {
                        await http.Response.WriteAsync("""{"count":77}""", Ct);
                        return;
                    }

                    http.Response.ContentType = "text/event-stream";
                    await http.Response.WriteAsync(string.Concat(Enumerable.Repeat(Event, 6)), Ct);
                    await Task.Delay(Timeout.Infinite, http.RequestAborted);
                },
                tokenizer: hasTokenizer ? Domain.Runtimes.TokenizeShape.Vllm : null
            );
            usage = UsageOf(gateway);
            var response = await gateway.PostAsync(Chat, HelloStream, HttpCompletionOption.ResponseHeadersRead);
            var id = response.Headers.GetValues("X-Request-Id").Single();
            await using (var stream = await response.Content.ReadAsStreamAsync(Ct))
            {
                await stream.ReadExactlyAsync(new byte[6 * Event.Length], Ct);
            }

            response.Dispose();
            var kept = await gateway.KeptAsync(id);
            Assert.Equal(("CANCELLED", (long?)prompt, (long?)6), (kept.Code, kept.PromptTokens, kept.CompletionTokens));
        }

        Assert.Equal(new ServedUsage(1, prompt, 6), usage.Record.Total);
    }

    [Fact]
    public async Task A_request_that_moves_to_another_destination_counts_once()
    {
        var gateway = await GatewayFixture.StartAsync();
        FakeUsage failed;
        FakeUsage served;
        await using (gateway)
        {
            var a = await gateway.ServeAsync(
                "a",
                http =>
                {
                    http.Abort();
                    return Task.CompletedTask;
                }
            );
            var b = await gateway.ServeAsync(
                "b",
                http => http.Response.WriteAsync("""{"usage":{"prompt_tokens":3,"completion_tokens":2}}""", Ct)
            );
            (failed, served) = (
                (FakeUsage)gateway.Cluster.Usage(a.Record.Id),
                (FakeUsage)gateway.Cluster.Usage(b.Record.Id)
            );
            gateway.Balance(null, "a", "b");
            for (var i = 0; i < 2; i++)
            {
                using var response = await gateway.PostAsync(Chat, """{"model":"front","messages":[]}""");
            }
        }

        Assert.Equal((ServedUsage.None, new ServedUsage(2, 6, 4)), (failed.Record.Total, served.Record.Total));
    }

    [Property(MaxTest = 500)]
    public Property The_usage_is_found_however_an_answer_is_cut(PositiveInt before, NonEmptyArray<PositiveInt> cuts) =>
        Prop.ForAll(
            Gen.Elements(
                    """{"usage":{"prompt_tokens":7,"completion_tokens":3}}""",
                    """{"usage":{"prompt_tokens":1},"x":"\"usage\"","usage" : {"completion_tokens":3,"prompt_tokens":7}}""",
                    """{"a":"usage","usage":{"details":{"a":[1]},"prompt_tokens":7,"completion_tokens":3},"z":1}"""
                )
                .ToArbitrary(),
            tail =>
            {
                var text = Encoding.UTF8.GetBytes(new string('x', before.Get % 9000) + "\"us" + tail);
                var passing = new PassingUsage();
                for (var (at, turn) = (0, 0); at < text.Length; turn++)
                {
                    var count = Math.Min(cuts.Get[turn % cuts.Get.Length].Get, text.Length - at);
                    passing.Pass(text.AsSpan(at, count));
                    at += count;
                }

                return passing.TryRead(out var usage) && usage == new TokenUsage(7, 3);
            }
        );

    private static FakeUsage UsageOf(GatewayFixture gateway) =>
        (FakeUsage)gateway.Cluster.Usage(new Domain.Ids.InstanceId("i-chat"));
}

using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Scheduler.UnitTests.Inference.Guard;

/// <summary>Bodies and headers as RFC 8259 and RFC 9110 permit them, over HTTP.</summary>
public sealed class BodyTextTests(GuardedGateway world) : IClassFixture<GuardedGateway>
{
    private const string Chat = "/v1/chat/completions";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("application/json", 200)]
    [InlineData("application/json; charset=utf-8", 200)]
    [InlineData("application/json; charset=\"utf-8\"", 200)]
    [InlineData("application/json;charset=\"UTF-8\"", 200)]
    [InlineData("application/json; charset=\"ut\\f-8\"", 200)]
    [InlineData("application/json; charset=us-ascii", 200)]
    [InlineData("Application/JSON ; Charset=Utf-8 ; other=1", 200)]
    [InlineData("application/json; charset=utf-16", 415)]
    [InlineData("application/json; charset=\"latin1\"", 415)]
    [InlineData("text/plain", 415)]
    public async Task Content_types_are_compared_by_their_meaning(string type, int status) =>
        Assert.Equal(status, await StatusAsync("{\"model\":\"rec\",\"messages\":[]}"u8.ToArray(), type));

    [Theory]
    [InlineData("identity", 200)]
    [InlineData("Identity, identity", 200)]
    [InlineData("", 200)]
    [InlineData("gzip", 415)]
    [InlineData("identity, gzip", 415)]
    public async Task Identity_is_no_compression(string coding, int status) =>
        Assert.Equal(
            status,
            await StatusAsync("{\"model\":\"rec\",\"messages\":[]}"u8.ToArray(), "application/json", coding)
        );

    /// <summary>Bytes as Latin-1.</summary>
    [Theory]
    [InlineData("\u00ef\u00bb\u00bf{\"model\":\"NAME\",\"messages\":[]}", 200)]
    [InlineData("{\"model\":\"NAME\",\"messages\":[{\"content\":\"\\ud83d\"}]}", 200)]
    [InlineData("{\"model\":\"NAME\",\"messages\":[{\"content\":\"\\ude00 \\ud83d\\ud83d\\ude00\"}]}", 200)]
    [InlineData("{\"model\":\"NAME\",\"messages\":[{\"content\":\"\\u0000 \\uffff\"}]}", 200)]
    [InlineData("{\"model\":\"NAME\",\"messages\":[{\"\\ud83d\":\"a\"}]}", 200, 400)]
    [InlineData("{\"model\":\"NAME\",\"messages\":[{\"content\":\"\u00c0\u00af\"}]}", 400)]
    [InlineData("{\"model\":\"NAME\",\"messages\":[{\"content\":\"\u00e0\u0080\u00af\"}]}", 400)]
    [InlineData("{\"model\":\"NAME\",\"messages\":[{\"content\":\"\u00ed\u00a0\u00bd\"}]}", 400)]
    [InlineData("{\"model\":\"NAME\",\"messages\":[{\"content\":\"\u00f4\u0090\u0080\u0080\"}]}", 400)]
    [InlineData("{\"model\":\"NAME\",\"messages\":[{\"content\":\"\u00ff\"}]}", 400)]
    [InlineData("\u00ff\u00fe{\u0000}\u0000", 400)]
    [InlineData("\u00ef\u00bb\u00bf\u00ef\u00bb\u00bf{}", 400)]
    [InlineData("{\"model\":\"NAME\",\"messages\":[{\"content\":\"a\nb\"}]}", 400)]
    [InlineData("{\"model\":\"NAME\",\"messages\":[],\"temperature\":NaN}", 400)]
    [InlineData("{\"model\":\"NAME\",\"messages\":[],}", 400)]
    [InlineData("{\"model\":\"NAME\",\"messages\":[]}//", 400)]
    [InlineData("{\"model\":\"\\ud83d\",\"messages\":[]}", 404)]
    public async Task Text_is_read_or_refused_and_never_fails(string latin1, int status, int? guarded = null)
    {
        foreach (var (name, expected) in ((string, int)[])[("rec", status), ("guarded", guarded ?? status)])
        {
            var body = Encoding.Latin1.GetBytes(latin1.Replace("NAME", name, StringComparison.Ordinal));
            Assert.Equal(expected, await StatusAsync(body, "application/json"));
        }
    }

    [Theory]
    [InlineData("16.0", 200)]
    [InlineData("1e2", 200)]
    [InlineData("1.6E+1", 200)]
    [InlineData("0.16e2", 200)]
    [InlineData("-1.0", 200)]
    [InlineData("null", 200)]
    [InlineData("2147483647.0", 413)]
    [InlineData("1.5", 400)]
    [InlineData("1e10", 400)]
    [InlineData("1e400", 400)]
    [InlineData("-2", 400)]
    [InlineData("16.", 400)]
    [InlineData("016", 400)]
    public async Task A_whole_number_is_read_in_any_notation(string number, int status) =>
        Assert.Equal(
            status,
            await StatusAsync(
                Encoding.UTF8.GetBytes($$"""{"model":"rec","messages":[],"max_tokens":{{number}}}"""),
                "application/json"
            )
        );

    [Theory]
    [InlineData(
        """{"include_usage":false,"include_obfuscation":false}""",
        """{"include_usage":true,"include_obfuscation":false}"""
    )]
    [InlineData("""{"include_obfuscation":false}""", """{"include_usage":true,"include_obfuscation":false}""")]
    [InlineData("""{ }""", """{"include_usage":true }""")]
    [InlineData("null", """{"include_usage":true}""")]
    [InlineData("""{"include_usage":true}""", """{"include_usage":true}""")]
    public async Task Other_stream_options_are_kept(string options, string sent)
    {
        using var answer = await world.SendAsync(
            Chat,
            $$"""{"model":"rec","stream":true,"stream_options":{{options}},"messages":[]}"""
        );

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(
            $$"""{"model":"rec","stream":true,"stream_options":{{sent}},"messages":[]}""",
            Assert.Single(world.Received).Body
        );
    }

    [Theory]
    [InlineData(65)]
    [InlineData(100_000)]
    public async Task A_name_of_any_length_is_not_found(int length)
    {
        using var answer = await world.SendAsync(Chat, $$"""{"model":"{{new string('a', length)}}","messages":[]}""");

        var text = await answer.Content.ReadAsStringAsync(Ct);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal(
            "MODEL_NOT_FOUND",
            JsonDocument.Parse(text).RootElement.GetProperty("error").GetProperty("code").GetString()
        );
        Assert.InRange(text.Length, 1, 2_000);
    }

    private async Task<int> StatusAsync(byte[] body, string type, string? coding = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat);
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {world.Gateway.Key}");
        request.Content = new ByteArrayContent(body);
        request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        if (coding is not null)
        {
            request.Content.Headers.TryAddWithoutValidation("Content-Encoding", coding);
        }

        using var answer = await world.Gateway.Http.SendAsync(request, Ct);
        return (int)answer.StatusCode;
    }
}

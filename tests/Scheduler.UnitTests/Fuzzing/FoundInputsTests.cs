using System.Text;
using System.Text.Json.Nodes;
using Google.Api;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Edge;
using Scheduler.Inference.Gateway;
using Scheduler.Inference.Upstream;
using Scheduler.ModelFit;
using Xunit;

namespace Scheduler.UnitTests.Fuzzing;

/// <summary>Inputs that the fuzzer found, each with the answer that the parser gives since then.</summary>
public sealed class FoundInputsTests
{
    /// <summary>
    /// The JSON reader throws <see cref="InvalidOperationException"/> when half of a surrogate pair is decoded; callers
    /// received 500. RFC 8259 permits such an escape, so the replacement character takes its place.
    /// </summary>
    [Theory]
    [InlineData("{\"model\":\"t\",\"messages\":[],\"stream_options\":{\"\\ud800e_usage\":true}}")]
    [InlineData("{\"model\":\"t\",\"\":{\"\\ud800\":false},\"messages\":[]}")]
    [InlineData("{\"model\":\"t\",\"messages\":[{\"role\":\"\\ud800\\u0041\"}]}")]
    [InlineData("{\"model\":\"t\",\"messages\":[\"\\ud83d\\ud83d\"]}")]
    [InlineData("{\"model\":\"t\",\"messages\":[\"\\udc00\\ud83d\\ude00\"]}")]
    public void Half_of_a_surrogate_pair_is_replaced(string body)
    {
        var request = RequestReader.Read(RequestKind.Chat, Encoding.UTF8.GetBytes(body));

        var text = Encoding.UTF8.GetString(request.Body.Span);
        Assert.Equal(body.Length, text.Length);
        Assert.Contains("\\ufffd", text, StringComparison.Ordinal);
        Assert.NotEmpty(JsonNode.Parse(text)!.ToJsonString());
    }

    [Theory]
    [InlineData("{\"model\":\"t\",\"messages\":[\"\u00ff\"]}")]
    [InlineData("{\"model\":\"t\",\"messages\":[\"\u00c0\u00af\"]}")]
    [InlineData("{\"model\":\"t\",\"messages\":[\"\u00ed\u00a0\u0080\"]}")]
    [InlineData("{\"model\":\"\u00cd\"")]
    [InlineData("{\"\u00bf\":")]
    public void A_body_that_is_no_utf_8_is_refused(string latin1)
    {
        var refused = Assert.Throws<ApiException>(() =>
            RequestReader.Read(RequestKind.Chat, Encoding.Latin1.GetBytes(latin1))
        );

        Assert.Equal(400, refused.Error.HttpStatus);
        Assert.Contains("UTF-8", Assert.Single(refused.Error.Faults).Description, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\\ud83d\\ude00")]
    [InlineData("\\uD83D\\uDE00 \\\\ud800 \\\" \\n \\u00e9")]
    [InlineData("😀 é")]
    public void A_body_with_escapes_of_unicode_is_read(string text) =>
        Assert.Equal(
            "m",
            RequestReader
                .Read(RequestKind.Chat, Encoding.UTF8.GetBytes($"{{\"model\":\"m\",\"messages\":[\"{text}\"]}}"))
                .Model
        );

    [Fact]
    public void A_repeated_empty_name_is_shown()
    {
        var refused = Assert.Throws<ApiException>(() =>
            RequestReader.Read(RequestKind.Chat, "{\"model\":\"m\",\"messages\":[],\"\":1,\"\":2}"u8.ToArray())
        );

        Assert.Equal("(empty name)", Assert.Single(refused.Error.Faults).Field);
    }

    /// <summary>The exception ended the client's stream.</summary>
    [Fact]
    public void A_usage_with_text_that_is_no_unicode_is_not_read() =>
        Assert.False(UsageReader.TryRead("{\"usage\":{\"\\ud800rtokens\":1}}"u8, out _));

    [Theory]
    [InlineData("{\"configJson\":\"\\ud800\"}", "config_json")]
    [InlineData("{\"\":1}", "(empty name)")]
    public void A_wrong_field_of_a_body_is_named(string body, string field)
    {
        var faults = new Faults();
        var rule = new HttpRule { Post = "/v1/{parent=accounts/*}/models", Body = "*" };
        new StrictRequest(RegisterModelRequest.Descriptor, rule, faults).ReadBody(Encoding.UTF8.GetBytes(body));

        Assert.Equal(field, Assert.Single(faults.All).Field);
    }

    [Fact]
    public void A_refused_gguf_metadata_value_without_a_key_names_the_header()
    {
        var refusal = GgufHeader
            .Parse(
                "x",
                Convert.FromHexString("474755460200000001000000000000000100000000000000000000000000000063747572")
            )
            .Refusal;

        Assert.Equal((ModelRefusalKind.Malformed, "header"), (refusal?.Kind, refusal?.Field));
    }
}

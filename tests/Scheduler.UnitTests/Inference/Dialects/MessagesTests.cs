using System.Text;
using System.Text.Json.Nodes;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Runtimes;
using Scheduler.Edge;
using Scheduler.Inference.Dialects;
using Scheduler.Inference.Gateway;
using Xunit;

namespace Scheduler.UnitTests.Inference.Dialects;

/// <summary>The Messages API: requests to chat completions, answers back.</summary>
public sealed class MessagesTests
{
    private const string Ask = """{"model":"chat","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}""";

    [Fact]
    public void A_conversation_of_an_agent_becomes_a_chat()
    {
        var chat = Translations.ChatOf(RequestKind.Messages, Traffic.ClaudeCode);

        var expected = """
            {
              "chat_template_kwargs": { "enable_thinking": true },
              "max_tokens": 32000,
              "reasoning_effort": "high",
              "tool_choice": "auto",
              "stream": true,
              "stream_options": { "include_usage": true },
              "model": "chat",
              "messages": [
                { "role": "system", "content": "You are an agent.\n\nWork in /repo." },
                { "role": "user", "content": "<system-reminder>Be brief.</system-reminder>\n\nWhat is in the folder?" },
                {
                  "role": "assistant",
                  "content": "I look into it.",
                  "reasoning_content": "I look.",
                  "tool_calls": [
                    {
                      "id": "toolu_1",
                      "type": "function",
                      "function": { "name": "Bash", "arguments": "{\"command\":\"ls\",\"timeout\":1e2}" }
                    },
                    { "id": "toolu_2", "type": "function", "function": { "name": "Read", "arguments": "{}" } }
                  ]
                },
                { "role": "tool", "tool_call_id": "toolu_1", "content": "a.txt" },
                { "role": "tool", "tool_call_id": "toolu_2", "content": "No such file." },
                {
                  "role": "user",
                  "content": [
                    { "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } },
                    { "type": "text", "text": "Go on." }
                  ]
                }
              ]
            }
            """;
        var tools = chat["tools"]!.AsArray();
        chat.AsObject().Remove("tools");
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), chat), chat.ToJsonString());
        Assert.Equal(["Bash", "Read"], tools.Select(tool => (string)tool!["function"]!["name"]!));
        Assert.Equal("Runs a command.", (string?)tools[0]!["function"]!["description"]);
        Assert.Equal("string", (string?)tools[0]!["function"]!["parameters"]!["properties"]!["command"]!["type"]);
    }

    [Theory]
    [InlineData("\"stop_sequences\":[\"END\"]", "stop", "[\"END\"]")]
    [InlineData("\"temperature\":0.5", "temperature", "0.5")]
    [InlineData("\"top_k\":7", "top_k", "7")]
    [InlineData("\"thinking\":{\"type\":\"disabled\"}", "chat_template_kwargs", "{\"enable_thinking\":false}")]
    [InlineData("\"system\":\"Rhyme.\"", "messages", null)]
    [InlineData(
        "\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}}}",
        "response_format",
        "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\",\"strict\":true,\"schema\":{\"type\":\"object\"}}}"
    )]
    [InlineData("\"metadata\":{\"user_id\":\"u\"},\"service_tier\":\"auto\",\"container\":null", "user", null)]
    public void A_setting_gets_its_counterpart(string member, string name, string? expected)
    {
        var chat = Translations.ChatOf(RequestKind.Messages, With(member));

        if (name == "messages")
        {
            Assert.Equal("system", (string?)chat["messages"]![0]!["role"]);
            return;
        }

        Assert.Equal(expected, chat[name]?.ToJsonString());
    }

    [Theory]
    [InlineData("{\"type\":\"any\"}", "\"required\"")]
    [InlineData("{\"type\":\"none\"}", "\"none\"")]
    [InlineData("{\"type\":\"tool\",\"name\":\"t\"}", "{\"type\":\"function\",\"function\":{\"name\":\"t\"}}")]
    public void A_tool_choice_gets_its_counterpart(string choice, string expected)
    {
        var alone = choice.Replace("}", ",\"disable_parallel_tool_use\":true}", StringComparison.Ordinal);
        var chat = Translations.ChatOf(
            RequestKind.Messages,
            With($"\"tools\":[{{\"name\":\"t\",\"input_schema\":{{\"type\":\"object\"}}}}],\"tool_choice\":{alone}")
        );

        Assert.Equal(expected, chat["tool_choice"]!.ToJsonString());
        Assert.False((bool)chat["parallel_tool_calls"]!);
    }

    [Fact]
    public void The_beginning_of_an_answer_is_continued()
    {
        var chat = Translations.ChatOf(
            RequestKind.Messages,
            """{"model":"chat","max_tokens":9,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"{"}]}"""
        );

        Assert.True((bool)chat["continue_final_message"]!);
        Assert.False((bool)chat["add_generation_prompt"]!);
    }

    [Theory]
    [InlineData("\"container\":\"c_1\"", "container")]
    [InlineData("\"mcp_servers\":[{\"type\":\"url\"}]", "mcp_servers")]
    [InlineData("\"unheard_of\":1", "unheard_of")]
    [InlineData("\"temperature\":\"hot\"", "temperature")]
    [InlineData("\"max_tokens\":0", "max_tokens")]
    [InlineData("\"max_tokens\":null", "max_tokens")]
    [InlineData("\"stop_sequences\":[1]", "stop_sequences")]
    [InlineData("\"system\":[{\"type\":\"image\"}]", "system[0].type")]
    [InlineData("\"thinking\":{\"type\":\"much\"}", "thinking.type")]
    [InlineData("\"tool_choice\":{\"type\":\"some\"}", "tool_choice.type")]
    [InlineData("\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}]", "tools[0].type")]
    [InlineData("\"tools\":[{\"name\":\"t\"}]", "tools[0].input_schema")]
    [InlineData("\"output_config\":{\"effort\":\"huge\"}", "output_config.effort")]
    [InlineData("\"messages\":{}", "messages")]
    [InlineData("\"messages\":[1]", "messages[0]")]
    [InlineData("\"messages\":[{\"role\":\"judge\",\"content\":\"x\"}]", "messages[0].role")]
    [InlineData("\"messages\":[{\"role\":\"user\"}]", "messages[0].content")]
    [InlineData(
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"file\",\"file_id\":\"f\"}}]}]",
        "messages[0].content[0].source.type"
    )]
    [InlineData(
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"document\",\"source\":{\"type\":\"base64\"}}]}]",
        "messages[0].content[0].source.type"
    )]
    [InlineData(
        "\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"server_tool_use\",\"id\":\"a\"}]}]",
        "messages[0].content[0].type"
    )]
    public void What_is_not_served_is_refused_by_its_name(string member, string field)
    {
        var body = JsonNode.Parse(Ask)!.AsObject();
        foreach (var (name, value) in JsonNode.Parse($"{{{member}}}")!.AsObject())
        {
            body[name] = value?.DeepClone();
        }

        Assert.Equal(field, Assert.Single(Translations.FaultsOf(RequestKind.Messages, body.ToJsonString())).Field);
    }

    [Theory]
    [InlineData(RequestKind.Messages, Traffic.ClaudeCode, "user_0a_account__session_1b")]
    [InlineData(RequestKind.Responses, Traffic.Codex, "0199-aa")]
    public void A_session_keeps_its_member_of_a_balancer(object kind, string body, string session) =>
        Assert.Equal(session, Translations.Read((RequestKind)kind, body).Chat.Session);

    [Fact]
    public void Counting_needs_no_output() =>
        Assert.Null(
            Translations.ChatOf(
                RequestKind.MessageTokens,
                """{"model":"chat","messages":[{"role":"user","content":"Hi"}]}"""
            )["max_tokens"]
        );

    [Fact]
    public void A_whole_answer_becomes_a_message()
    {
        var message = Translations.Whole(
            Translations.Read(RequestKind.Messages, Ask),
            """
            {"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"Hello",
            "reasoning_content":"Hm","tool_calls":[{"id":"c1","type":"function","function":{"name":"t","arguments":"{\"a\":1.0}"}},
            {"id":"c2","type":"function","function":{"name":"u","arguments":"{\"a\":"}}]}}],
            "usage":{"prompt_tokens":12,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":8}}}
            """
        );

        Assert.StartsWith("msg_req-", (string?)message["id"]);
        message.AsObject().Remove("id");
        Assert.Equal(
            """{"type":"message","role":"assistant","model":"chat","content":[{"type":"thinking","thinking":"Hm","signature":"unsigned"},{"type":"text","text":"Hello"},{"type":"tool_use","id":"c1","name":"t","input":{"a":1.0}},{"type":"tool_use","id":"c2","name":"u","input":{"invalid_arguments":"{\u0022a\u0022:"}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":4,"cache_creation_input_tokens":0,"cache_read_input_tokens":8,"output_tokens":3}}""",
            message.ToJsonString()
        );
    }

    [Theory]
    [InlineData("\"stop\"", "null", "end_turn", null)]
    [InlineData("\"stop\"", "\"END\"", "stop_sequence", "END")]
    [InlineData("\"stop\"", "\"other\"", "end_turn", null)]
    [InlineData("\"stop\"", "128009", "end_turn", null)]
    [InlineData("\"length\"", "null", "max_tokens", null)]
    [InlineData("\"content_filter\"", "null", "refusal", null)]
    [InlineData("null", "null", "end_turn", null)]
    public void A_reason_to_finish_gets_its_counterpart(string finish, string stop, string reason, string? sequence)
    {
        var message = Translations.Whole(
            Translations.Read(RequestKind.Messages, With("\"stop_sequences\":[\"END\"]")),
            $"{{\"choices\":[{{\"finish_reason\":{finish},\"stop_reason\":{stop},\"message\":{{\"content\":\"x\"}}}}]}}"
        );

        Assert.Equal((reason, sequence), ((string?)message["stop_reason"], (string?)message["stop_sequence"]));
    }

    [Fact]
    public void A_stream_has_the_documented_events_in_order()
    {
        var events = Translations.Events(
            Translations.Read(RequestKind.Messages, Ask),
            """{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}""",
            """{"choices":[{"index":0,"delta":{"reasoning_content":"Hm"}}]}""",
            """{"choices":[{"index":0,"delta":{"content":"Hel"}}]}""",
            """{"choices":[{"index":0,"delta":{"content":"lo"}}]}""",
            """{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"t","arguments":""}}]}}]}""",
            """{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]}}]}""",
            """{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}}]}""",
            """{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"c2","type":"function","function":{"name":"u","arguments":"{}"}}]}}]}""",
            """{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""",
            """{"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":3}}"""
        );

        Assert.Equal(
            [
                "message_start",
                "ping",
                "content_block_start",
                "content_block_delta",
                "content_block_delta",
                "content_block_stop",
                "content_block_start",
                "content_block_delta",
                "content_block_delta",
                "content_block_stop",
                "content_block_start",
                "content_block_delta",
                "content_block_delta",
                "content_block_stop",
                "content_block_start",
                "content_block_delta",
                "content_block_stop",
                "message_delta",
                "message_stop",
            ],
            Translations.Types(events)
        );
        Assert.Equal("""{"type":"thinking_delta","thinking":"Hm"}""", events[3]["delta"]!.ToJsonString());
        Assert.Equal("""{"type":"text_delta","text":"Hel"}""", events[7]["delta"]!.ToJsonString());
        Assert.Equal(
            """{"type":"tool_use","id":"c1","name":"t","input":{}}""",
            events[10]["content_block"]!.ToJsonString()
        );
        Assert.Equal("input_json_delta", (string?)events[11]["delta"]!["type"]);
        Assert.Equal("{\"a\":", (string?)events[11]["delta"]!["partial_json"]);
        Assert.Equal(3, (int)events[14]["index"]!);
        Assert.Equal("tool_use", (string?)events[17]["delta"]!["stop_reason"]);
        Assert.Equal(
            (12, 3),
            ((int)events[17]["usage"]!["input_tokens"]!, (int)events[17]["usage"]!["output_tokens"]!)
        );
    }

    [Fact]
    public void Calls_with_the_same_position_stay_apart()
    {
        var events = Translations.Events(
            Translations.Read(RequestKind.Messages, Ask),
            """{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"t","arguments":"{}"}}]}}]}""",
            """{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"b","function":{"name":"t","arguments":"{}"}}]}}]}"""
        );

        Assert.Equal(2, Translations.Types(events).Count(type => type == "content_block_start"));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("""{"choices":[]}""")]
    [InlineData("""{"choices":[{"message":{"tool_calls":[{"function":{"arguments":"{}"}}]}}]}""")]
    public void An_answer_that_is_no_chat_completion_is_a_failure_of_the_runtime(string answer) =>
        Assert.Throws<HttpIOException>(() => Translations.Whole(Translations.Read(RequestKind.Messages, Ask), answer));

    [Theory]
    [InlineData(8192L, 1L, "prompt is too long: 8192 tokens > 8192 maximum. ")]
    [InlineData(5L, 8192L, "input length and `max_tokens` exceed context limit: 5 + 8192 > 8192. ")]
    [InlineData(null, 1L, "prompt is too long. ")]
    public void A_context_that_is_too_small_is_told_in_the_words_that_clients_read(
        long? prompt,
        long output,
        string words
    )
    {
        var error = ApiError.Of(FailureCatalogue.Describe(new ContextTooLargeFacts("chat", 8192, prompt, output)));

        var told = Translations.Parse(
            Encoding.UTF8.GetString(MessagesErrors.Shape.Event(error, RequestScope.Of(null)))
        )[0];

        Assert.StartsWith(words, (string?)told["error"]!["message"]);
    }

    private static string With(string member) => $"{Ask[..^1]},{member}}}";
}

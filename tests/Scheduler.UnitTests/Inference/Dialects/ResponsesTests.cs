using System.Text.Json.Nodes;
using Scheduler.Inference.Gateway;
using Xunit;

namespace Scheduler.UnitTests.Inference.Dialects;

/// <summary>The Responses API: requests to chat completions, answers back.</summary>
public sealed class ResponsesTests
{
    private const string Ask = """{"model":"chat","input":"Hi"}""";

    [Fact]
    public void A_conversation_of_an_agent_becomes_a_chat()
    {
        var chat = Translations.ChatOf(RequestKind.Responses, Traffic.Codex);

        var expected = """
            {
              "parallel_tool_calls": false,
              "reasoning_effort": "medium",
              "tool_choice": "auto",
              "stream": true,
              "stream_options": { "include_usage": true },
              "model": "chat",
              "messages": [
                { "role": "system", "content": "You are a coding agent.\n\nThe sandbox is read-only." },
                {
                  "role": "user",
                  "content": [
                    { "type": "text", "text": "Fix the test." },
                    { "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA", "detail": "high" } }
                  ]
                },
                {
                  "role": "assistant",
                  "content": "I run it.",
                  "tool_calls": [
                    {
                      "id": "call_1",
                      "type": "function",
                      "function": { "name": "shell", "arguments": "{\"command\":[\"ls\"]}" }
                    }
                  ]
                },
                { "role": "tool", "tool_call_id": "call_1", "content": "a.txt" },
                {
                  "role": "assistant",
                  "content": null,
                  "tool_calls": [
                    {
                      "id": "call_2",
                      "type": "function",
                      "function": { "name": "apply_patch", "arguments": "{\"input\":\"*** Begin Patch\\n\"}" }
                    }
                  ]
                },
                { "role": "tool", "tool_call_id": "call_2", "content": "Done." }
              ]
            }
            """;
        var tools = chat["tools"]!.AsArray();
        chat.AsObject().Remove("tools");
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), chat), chat.ToJsonString());
        Assert.Equal("array", (string?)tools[0]!["function"]!["parameters"]!["properties"]!["command"]!["type"]);
        Assert.EndsWith("start: patch", (string?)tools[1]!["function"]!["description"]);
        Assert.Equal("input", (string?)tools[1]!["function"]!["parameters"]!["required"]![0]);
    }

    [Fact]
    public void Thoughts_go_back_with_the_turn_that_they_led_to()
    {
        var chat = Translations.ChatOf(
            RequestKind.Responses,
            """
            {"model":"chat","input":[{"role":"user","content":"Hi"},
            {"type":"reasoning","id":"r","summary":[],"content":[{"type":"reasoning_text","text":"Hm"}]},
            {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hello"}]},
            {"role":"user","content":"And?"}]}
            """
        );

        Assert.Equal(
            """{"role":"assistant","content":"Hello","reasoning_content":"Hm"}""",
            chat["messages"]![1]!.ToJsonString()
        );
    }

    [Theory]
    [InlineData("\"max_output_tokens\":16.0", "max_tokens", "16")]
    [InlineData("\"top_p\":0.5", "top_p", "0.5")]
    [InlineData("\"reasoning\":{\"effort\":\"none\"}", "chat_template_kwargs", "{\"enable_thinking\":false}")]
    [InlineData("\"text\":{\"format\":{\"type\":\"json_object\"}}", "response_format", "{\"type\":\"json_object\"}")]
    [InlineData(
        "\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{\"type\":\"object\"},\"strict\":true}}",
        "response_format",
        "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":\"object\"},\"strict\":true}}"
    )]
    [InlineData(
        "\"tools\":[{\"type\":\"function\",\"name\":\"a\",\"parameters\":{}},{\"type\":\"function\",\"name\":\"b\",\"parameters\":{}}],\"tool_choice\":{\"type\":\"allowed_tools\",\"mode\":\"required\",\"tools\":[{\"type\":\"function\",\"name\":\"b\"}]}",
        "tools",
        "[{\"type\":\"function\",\"function\":{\"name\":\"b\",\"parameters\":{}}}]"
    )]
    [InlineData("\"store\":false,\"background\":false,\"previous_response_id\":null,\"tools\":[]", "tools", null)]
    public void A_setting_gets_its_counterpart(string member, string name, string? expected) =>
        Assert.Equal(expected, Translations.ChatOf(RequestKind.Responses, With(member))[name]?.ToJsonString());

    [Theory]
    [InlineData("\"store\":true", "store")]
    [InlineData("\"previous_response_id\":\"resp_1\"", "previous_response_id")]
    [InlineData("\"conversation\":\"conv_1\"", "conversation")]
    [InlineData("\"background\":true", "background")]
    [InlineData("\"prompt\":{\"id\":\"p\"}", "prompt")]
    [InlineData("\"truncation\":\"auto\"", "truncation")]
    [InlineData("\"top_logprobs\":2", "top_logprobs")]
    [InlineData("\"messages\":[]", "messages")]
    [InlineData("\"input\":1", "input")]
    [InlineData("\"input\":[{\"type\":\"item_reference\",\"id\":\"msg_1\"}]", "input[0].type")]
    [InlineData("\"input\":[{\"type\":\"web_search_call\",\"id\":\"ws_1\"}]", "input[0].type")]
    [InlineData("\"input\":[{\"role\":\"judge\",\"content\":\"x\"}]", "input[0].role")]
    [InlineData(
        "\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_file\",\"file_id\":\"f\"}]}]",
        "input[0].content[0].type"
    )]
    [InlineData(
        "\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\",\"file_id\":\"f\"}]}]",
        "input[0].content[0].file_id"
    )]
    [InlineData("\"tools\":[{\"type\":\"web_search\"}]", "tools[0].type")]
    [InlineData("\"tools\":[{\"type\":\"mcp\",\"server_label\":\"x\"}]", "tools[0].type")]
    [InlineData("\"tools\":[{\"type\":\"function\"}]", "tools[0].name")]
    [InlineData("\"tool_choice\":\"any\"", "tool_choice")]
    [InlineData("\"text\":{\"format\":{\"type\":\"xml\"}}", "text.format.type")]
    [InlineData("\"reasoning\":{\"effort\":\"huge\"}", "reasoning.effort")]
    public void What_is_not_served_is_refused_by_its_name(string member, string field)
    {
        var body = JsonNode.Parse(Ask)!.AsObject();
        foreach (var (name, value) in JsonNode.Parse($"{{{member}}}")!.AsObject())
        {
            body[name] = value?.DeepClone();
        }

        Assert.Equal(field, Assert.Single(Translations.FaultsOf(RequestKind.Responses, body.ToJsonString())).Field);
    }

    [Fact]
    public void A_whole_answer_becomes_a_response()
    {
        var response = Translations.Whole(
            Translations.Read(RequestKind.Responses, Traffic.Codex),
            """
            {"choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","content":"Hello",
            "reasoning":"Hm","tool_calls":[{"id":"c1","type":"function","function":{"name":"shell","arguments":"{\"a\":1}"}},
            {"id":"c2","type":"function","function":{"name":"apply_patch","arguments":"{\"input\":\"x\"}"}}]}}],
            "usage":{"prompt_tokens":12,"completion_tokens":3,"completion_tokens_details":{"reasoning_tokens":1}}}
            """
        );

        Assert.Equal("completed", (string?)response["status"]);
        Assert.False((bool)response["store"]!);
        Assert.Equal("You are a coding agent.", (string?)response["instructions"]);
        Assert.Equal(2, response["tools"]!.AsArray().Count);
        Assert.Equal(
            """{"input_tokens":12,"input_tokens_details":{"cached_tokens":0},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":1},"total_tokens":15}""",
            response["usage"]!.ToJsonString()
        );
        var output = response["output"]!.AsArray();
        Assert.Equal(
            ["reasoning", "message", "function_call", "custom_tool_call"],
            output.Select(item => (string)item!["type"]!)
        );
        Assert.Equal("Hm", (string?)output[0]!["summary"]![0]!["text"]);
        Assert.Equal("Hello", (string?)output[1]!["content"]![0]!["text"]);
        Assert.Equal(("c1", "{\"a\":1}"), ((string?)output[2]!["call_id"], (string?)output[2]!["arguments"]));
        Assert.Equal("x", (string?)output[3]!["input"]);
    }

    [Fact]
    public void An_answer_that_is_cut_off_is_incomplete()
    {
        var response = Translations.Whole(
            Translations.Read(RequestKind.Responses, Ask),
            """{"choices":[{"finish_reason":"length","message":{"content":"Hel"}}]}"""
        );

        Assert.Equal("incomplete", (string?)response["status"]);
        Assert.Equal("max_output_tokens", (string?)response["incomplete_details"]!["reason"]);
        Assert.Equal("incomplete", (string?)response["output"]![0]!["status"]);
    }

    [Fact]
    public void A_stream_has_the_documented_events_in_order()
    {
        var events = Translations.Events(
            Translations.Read(RequestKind.Responses, Traffic.Codex),
            """{"choices":[{"index":0,"delta":{"role":"assistant","content":null}}]}""",
            """{"choices":[{"index":0,"delta":{"reasoning_content":"Hm"}}]}""",
            """{"choices":[{"index":0,"delta":{"content":"Hel"}}]}""",
            """{"choices":[{"index":0,"delta":{"content":"lo"}}]}""",
            """{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"shell","arguments":"{}"}}]}}]}""",
            """{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"c2","function":{"name":"apply_patch","arguments":"{\"input\":"}}]}}]}""",
            """{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"\"x\"}"}}]}}]}""",
            """{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""",
            """{"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":3}}"""
        );

        Assert.Equal(
            [
                "response.created",
                "response.in_progress",
                "response.output_item.added",
                "response.reasoning_summary_part.added",
                "response.reasoning_summary_text.delta",
                "response.reasoning_summary_text.done",
                "response.reasoning_summary_part.done",
                "response.output_item.done",
                "response.output_item.added",
                "response.content_part.added",
                "response.output_text.delta",
                "response.output_text.delta",
                "response.output_text.done",
                "response.content_part.done",
                "response.output_item.done",
                "response.output_item.added",
                "response.function_call_arguments.delta",
                "response.function_call_arguments.done",
                "response.output_item.done",
                "response.output_item.added",
                "response.custom_tool_call_input.delta",
                "response.custom_tool_call_input.done",
                "response.output_item.done",
                "response.completed",
            ],
            Translations.Types(events)
        );
        Assert.Equal(Enumerable.Range(0, events.Count), events.Select(one => (int)one["sequence_number"]!));
        Assert.Equal("in_progress", (string?)events[0]["response"]!["status"]);
        Assert.Null(events[0]["response"]!["usage"]);
        Assert.Empty(events[8]["item"]!["content"]!.AsArray());
        Assert.Equal((string?)events[8]["item"]!["id"], (string?)events[11]["item_id"]);
        Assert.Equal("Hello", (string?)events[12]["text"]);
        Assert.Equal("shell", (string?)events[17]["name"]);
        Assert.Equal("x", (string?)events[20]["delta"]);
        Assert.Equal("x", (string?)events[22]["item"]!["input"]);
        var last = events[^1]["response"]!;
        Assert.Equal(4, last["output"]!.AsArray().Count);
        Assert.Equal(15, (int)last["usage"]!["total_tokens"]!);
    }

    private static string With(string member) => $"{Ask[..^1]},{member}}}";
}

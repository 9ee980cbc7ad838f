using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Scheduler.UnitTests.Inference.Dialects;

/// <summary>
/// A runtime that serves chat completions as vLLM does and follows a script. It calls the first tool, answers with a
/// tool's result, sees images, follows a schema, and breaks off when asked to.
/// </summary>
internal static class ScriptedRuntime
{
    private const string Answer = """{"answer":42}""";
    private const string Counts = "\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}";

    public static async Task AnswerAsync(HttpContext http)
    {
        var path = http.Request.Path.Value!;
        if (path is not ("/base/v1/chat/completions" or "/base/tokenize"))
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        http.Response.ContentType = "application/json";
        if (path is "/base/tokenize")
        {
            await http.Response.WriteAsync("""{"count":7}""", http.RequestAborted);
            return;
        }

        var body = (await JsonNode.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted))!;
        var isStream = (bool?)body["stream"] ?? false;
        if (isStream)
        {
            http.Response.ContentType = "text/event-stream";
        }

        await http.Response.WriteAsync(isStream ? Stream(body) : Whole(body), http.RequestAborted);
    }

    private static string Whole(JsonNode body)
    {
        var message = CallsTool(body)
            ? new JsonObject
            {
                ["content"] = null,
                ["reasoning_content"] = "Hm",
                ["tool_calls"] = new JsonArray(Call(body)),
            }
            : new JsonObject { ["content"] = TextFor(body) };
        return $$"""{"choices":[{"index":0,"finish_reason":"{{Reason(body)}}","message":{{message.ToJsonString()}}}],{{Counts}}}""";
    }

    private static string Stream(JsonNode body)
    {
        var deltas = new List<JsonNode>
        {
            new JsonObject { ["role"] = "assistant", ["content"] = "" },
        };
        if (CallsTool(body))
        {
            var call = Call(body);
            var arguments = (string)call["function"]!["arguments"]!;
            call["function"]!["arguments"] = "";
            deltas.Add(new JsonObject { ["reasoning_content"] = "Hm" });
            deltas.Add(new JsonObject { ["tool_calls"] = new JsonArray(call) });
            foreach (var piece in arguments.Chunk(5))
            {
                deltas.Add(
                    new JsonObject
                    {
                        ["tool_calls"] = new JsonArray(
                            new JsonObject
                            {
                                ["index"] = 0,
                                ["function"] = new JsonObject { ["arguments"] = new string(piece) },
                            }
                        ),
                    }
                );
            }
        }
        else
        {
            deltas.AddRange(TextFor(body).Chunk(3).Select(piece => new JsonObject { ["content"] = new string(piece) }));
        }

        var stream = string.Concat(deltas.Select(delta => Event($"{{\"index\":0,\"delta\":{delta.ToJsonString()}}}")));
        return Asked(body) is "break"
            ? stream
            : stream
                + Event($"{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"{Reason(body)}\"}}")
                + $"data: {{\"choices\":[],{Counts}}}\n\ndata: [DONE]\n\n";
    }

    private static string Event(string choice) => $"data: {{\"choices\":[{choice}]}}\n\n";

    private static string Reason(JsonNode body) => CallsTool(body) ? "tool_calls" : "stop";

    private static bool CallsTool(JsonNode body) =>
        body["tools"] is JsonArray { Count: > 0 } && (string?)Last(body)["role"] is not "tool";

    private static JsonObject Call(JsonNode body) =>
        new()
        {
            ["index"] = 0,
            ["id"] = "call_1",
            ["type"] = "function",
            ["function"] = new JsonObject
            {
                ["name"] = body["tools"]![0]!["function"]!["name"]!.DeepClone(),
                ["arguments"] = body["tools"]![0]!["function"]!["parameters"]!["properties"]!["city"] is null
                    ? Answer
                    : """{"city":"Paris"}""",
            },
        };

    private static string TextFor(JsonNode body) =>
        body["response_format"] is not null ? Answer
        : (string?)Last(body)["role"] is "tool" ? $"It is {Asked(body)}."
        : Last(body)["content"] is JsonArray ? "An image."
        : "Hello";

    private static string? Asked(JsonNode body) => Last(body)["content"] is JsonValue text ? (string?)text : null;

    private static JsonNode Last(JsonNode body) => body["messages"]!.AsArray()[^1]!;
}

using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Simulated;

/// <summary>
/// HTTP API of a simulated allocation, with OpenAI's formats and vLLM's errors. Its answers state that no model ran.
/// The same request always gets the same answer.
/// </summary>
internal sealed class StandInApi(SimulatedMarket market)
{
    private const int DefaultChatTokens = 64;
    private const int DefaultCompletionTokens = 16;
    private const int EmbeddingDimensions = 8;

    internal async Task AnswerAsync(HttpContext context)
    {
        var (key, path) = Split(context.Request.Path.Value ?? "");
        var now = market.Clock.GetUtcNow();
        var record = key is null ? null : market.Cloud.Find(key);
        if (record is null || !record.IsHeld(now) || record.EndsAt <= now)
        {
            await RefuseAsync(context, 404, "NotFoundError", "There is no simulated runtime at this address.");
        }
        else if (record.StatusAt(now) != AllocationStatus.Ready)
        {
            await RefuseAsync(context, 503, "ServiceUnavailableError", "The simulated runtime is not healthy.");
        }
        else
        {
            await ServeAsync(context, record, path);
        }
    }

    private async Task ServeAsync(HttpContext context, SimulatedRecord record, string path)
    {
        switch (context.Request.Method, path)
        {
            case ("GET", "health"):
                context.Response.StatusCode = 200;
                return;
            case var _ when !record.Admits(context.Request.Headers.Authorization):
                await RefuseAsync(context, 401, "AuthenticationError", "Invalid or missing API key.");
                return;
            case ("GET", "v1/models"):
                await WriteAsync(context, 200, Models(record));
                return;
            case ("POST", "v1/chat/completions" or "v1/completions" or "v1/embeddings" or "tokenize"):
                break;
            default:
                await RefuseAsync(context, 404, "NotFoundError", "Not Found");
                return;
        }

        var request = await StandInRequest.ReadAsync(context.Request.Body, context.RequestAborted);
        if (request is null)
        {
            await RefuseAsync(context, 400, "BadRequestError", "The body is not a JSON object.");
        }
        else if (request.Model.Length > 0 && record.ServingName.Length > 0 && !Same(request.Model, record.ServingName))
        {
            await RefuseAsync(context, 404, "NotFoundError", $"The model `{request.Model}` does not exist.");
        }
        else if (Same(path, "tokenize"))
        {
            await TokenizeAsync(context, record, request);
        }
        else if (Same(path, "v1/embeddings"))
        {
            await EmbedAsync(context, record, request);
        }
        else
        {
            await CompleteAsync(context, record, request, isChat: Same(path, "v1/chat/completions"));
        }
    }

    private async Task CompleteAsync(HttpContext context, SimulatedRecord record, StandInRequest request, bool isChat)
    {
        var messages = isChat ? request.Messages : null;
        if (isChat ? messages is null : request.Prompt is null)
        {
            await RefuseAsync(
                context,
                400,
                "BadRequestError",
                isChat ? "`messages` is missing." : "`prompt` is missing."
            );
            return;
        }

        var prompt = messages is null ? StandInTokens.Count(request.Prompt!) : StandInTokens.CountChat(messages);
        var asked = request.MaxTokens;
        if (asked is < 1)
        {
            await RefuseAsync(context, 400, "BadRequestError", $"max_tokens must be at least 1, got {asked}.");
            return;
        }

        if (Overflows(record, prompt, asked ?? 1))
        {
            await RefuseAsync(context, 400, "BadRequestError", OverflowWords(record, prompt, asked, isChat));
            return;
        }

        var room = record.ContextTokens > 0 ? record.ContextTokens - prompt : long.MaxValue;
        var limit = (int)Math.Min(asked ?? (isChat ? DefaultChatTokens : DefaultCompletionTokens), room);
        var pieces = StandInTokens.Pieces(record.Reply ?? BySchema(record, request) ?? Words(record, prompt));
        var answer = new StandInAnswer(
            isChat,
            record.ServingName,
            market.Clock.GetUtcNow().ToUnixTimeSeconds(),
            $"sim-{SeededDraw.Hash(prompt, record.Key, string.Concat(messages ?? [request.Prompt!])):x16}",
            [.. pieces.Take(limit)],
            prompt,
            pieces.Count > limit
        );
        if (request.Stream)
        {
            await answer.StreamAsync(context.Response, request.IncludeUsage, context.RequestAborted);
        }
        else
        {
            await WriteAsync(context, 200, answer.Whole());
        }
    }

    private static string? BySchema(SimulatedRecord record, StandInRequest request) =>
        record.YesWord is { Length: > 0 } word && request is { Schema: { } schema, Messages: { } messages }
            ? StandInSchema.Answer(schema, messages[^1], word)
            : null;

    private static async Task EmbedAsync(HttpContext context, SimulatedRecord record, StandInRequest request)
    {
        if (request.Inputs is not { } inputs)
        {
            await RefuseAsync(context, 400, "BadRequestError", "`input` must be a text or texts.");
            return;
        }

        var tokens = inputs.Sum(StandInTokens.Count);
        if (inputs.Any(text => Overflows(record, StandInTokens.Count(text), 0)))
        {
            await RefuseAsync(context, 400, "BadRequestError", OverflowWords(record, tokens, 0, isChat: false));
            return;
        }

        var data = inputs.Select(
            (text, index) =>
                (JsonNode)
                    new JsonObject
                    {
                        ["object"] = "embedding",
                        ["index"] = index,
                        ["embedding"] = StandInTokens.Embedding(text, EmbeddingDimensions),
                    }
        );
        var answer = new JsonObject
        {
            ["object"] = "list",
            ["model"] = record.ServingName,
            ["data"] = new JsonArray([.. data]),
            ["usage"] = new JsonObject { ["prompt_tokens"] = tokens, ["total_tokens"] = tokens },
        };
        await WriteAsync(context, 200, answer);
    }

    private static async Task TokenizeAsync(HttpContext context, SimulatedRecord record, StandInRequest request)
    {
        if (request.Messages is { } messages)
        {
            var text = string.Concat(messages);
            await WriteAsync(context, 200, Tokenized(record, StandInTokens.CountChat(messages), text));
        }
        else if (request.Prompt is not { } prompt)
        {
            await RefuseAsync(context, 400, "BadRequestError", "`prompt` or `messages` is missing.");
        }
        else if (request.IsLlamaTokenize)
        {
            await WriteAsync(context, 200, new JsonObject { ["tokens"] = StandInTokens.Ids(prompt) });
        }
        else
        {
            await WriteAsync(context, 200, Tokenized(record, StandInTokens.Count(prompt), prompt));
        }
    }

    private static JsonObject Tokenized(SimulatedRecord record, int count, string text) =>
        new()
        {
            ["count"] = count,
            ["max_model_len"] = record.ContextTokens,
            ["tokens"] = StandInTokens.Ids(text),
        };

    private static JsonObject Models(SimulatedRecord record) =>
        new()
        {
            ["object"] = "list",
            ["data"] = new JsonArray(
                new JsonObject
                {
                    ["id"] = record.ServingName,
                    ["object"] = "model",
                    ["created"] = record.AskedAt.ToUnixTimeSeconds(),
                    ["owned_by"] = "simulated-stand-in",
                    ["max_model_len"] = record.ContextTokens,
                }
            ),
        };

    private static bool Overflows(SimulatedRecord record, long prompt, long output) =>
        record.ContextTokens > 0 && prompt + output > record.ContextTokens;

    /// <summary>Uses vLLM's wording, so that tests cover the code that parses it.</summary>
    private static string OverflowWords(SimulatedRecord record, int prompt, int? output, bool isChat)
    {
        var what = isChat ? "messages" : "prompt";
        return output is null or 0
            ? $"This model's maximum context length is {record.ContextTokens} tokens. However, your request has {prompt} input tokens. Please reduce the length of the input {what}."
            : $"This model's maximum context length is {record.ContextTokens} tokens. However, you requested {(long)prompt + output} tokens ({prompt} in the {what}, {output} in the completion). Please reduce the length of the {what} or completion.";
    }

    private static string Words(SimulatedRecord record, int prompt) =>
        $"This is the simulated stand-in runtime serving '{record.ServingName}': no model ran. Your prompt had {prompt} tokens.";

    private static Task RefuseAsync(HttpContext context, int status, string type, string message) =>
        WriteAsync(
            context,
            status,
            new JsonObject
            {
                ["error"] = new JsonObject
                {
                    ["message"] = message,
                    ["type"] = type,
                    ["param"] = null,
                    ["code"] = status,
                },
            }
        );

    private static async Task WriteAsync(HttpContext context, int status, JsonObject body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(body.ToJsonString(), context.RequestAborted);
    }

    /// <summary>Splits <c>/a/{key}/rest</c>; the key is null for any other path.</summary>
    private static (string? Key, string Path) Split(string path)
    {
        var parts = path.Split('/', 4);
        return parts is ["", "a", { Length: > 0 } key, var rest] ? (key, rest) : (null, "");
    }

    private static bool Same(string a, string b) => string.Equals(a, b, StringComparison.Ordinal);
}

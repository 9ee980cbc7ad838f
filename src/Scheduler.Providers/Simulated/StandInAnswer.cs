using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Scheduler.Providers.Simulated;

/// <summary>One completion of the stand-in runtime, as one JSON object or as server-sent events.</summary>
internal sealed record StandInAnswer(
    bool IsChat,
    string Model,
    long Created,
    string Id,
    IReadOnlyList<string> Pieces,
    int PromptTokens,
    bool CutShort
)
{
    private string Finish => CutShort ? "length" : "stop";

    internal JsonObject Whole()
    {
        var text = string.Concat(Pieces);
        var choice = new JsonObject { ["index"] = 0, ["finish_reason"] = Finish };
        if (IsChat)
        {
            choice["message"] = new JsonObject { ["role"] = "assistant", ["content"] = text };
        }
        else
        {
            choice["text"] = text;
        }

        var whole = Envelope(IsChat ? "chat.completion" : "text_completion", choice);
        whole["usage"] = Usage();
        return whole;
    }

    internal async Task StreamAsync(HttpResponse response, bool includeUsage, CancellationToken cancellationToken)
    {
        response.ContentType = "text/event-stream";
        for (var i = 0; i < Pieces.Count; i++)
        {
            await EventAsync(response, Envelope(ChunkName, Chunk(Pieces[i], i == 0, null)), cancellationToken);
        }

        await EventAsync(response, Envelope(ChunkName, Chunk(null, false, Finish)), cancellationToken);
        if (includeUsage)
        {
            var last = Envelope(ChunkName, null);
            last["usage"] = Usage();
            await EventAsync(response, last, cancellationToken);
        }

        await response.WriteAsync("data: [DONE]\n\n", cancellationToken);
    }

    private string ChunkName => IsChat ? "chat.completion.chunk" : "text_completion";

    private JsonObject Chunk(string? piece, bool isFirst, string? finish)
    {
        var choice = new JsonObject { ["index"] = 0, ["finish_reason"] = finish };
        if (!IsChat)
        {
            choice["text"] = piece ?? "";
            return choice;
        }

        var delta = new JsonObject();
        if (isFirst)
        {
            delta["role"] = "assistant";
        }

        if (piece is not null)
        {
            delta["content"] = piece;
        }

        choice["delta"] = delta;
        return choice;
    }

    private JsonObject Envelope(string kind, JsonObject? choice) =>
        new()
        {
            ["id"] = Id,
            ["object"] = kind,
            ["created"] = Created,
            ["model"] = Model,
            ["choices"] = choice is null ? new JsonArray() : new JsonArray(choice),
        };

    private JsonObject Usage() =>
        new()
        {
            ["prompt_tokens"] = PromptTokens,
            ["completion_tokens"] = Pieces.Count,
            ["total_tokens"] = PromptTokens + Pieces.Count,
        };

    private static async Task EventAsync(HttpResponse response, JsonObject data, CancellationToken cancellationToken)
    {
        await response.WriteAsync($"data: {data.ToJsonString()}\n\n", cancellationToken);
        await response.Body.FlushAsync(cancellationToken);
    }
}

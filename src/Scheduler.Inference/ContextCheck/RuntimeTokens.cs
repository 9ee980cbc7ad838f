using System.Collections.Immutable;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Runtimes;
using Scheduler.Inference.Gateway;
using Scheduler.Inference.Serving;
using Scheduler.Inference.Upstream;

namespace Scheduler.Inference.ContextCheck;

/// <summary>
/// Counts the tokens of a prompt with the runtime's own tokenizer. vLLM's <c>/tokenize</c> takes chat messages and
/// applies the template itself. llama-server's takes the output of its <c>/apply-template</c>.
/// </summary>
internal sealed class RuntimeTokens(RuntimeClient runtimes, IOptions<InferenceOptions> options, TimeProvider clock)
{
    private const int LongestAnswer = 64 * 1024 * 1024;

    /// <summary>Most token ids whose text is asked for: a judge reads no longer text.</summary>
    private const int MostIds = JudgeInput.LongestLength;

    /// <summary>Members of a chat request that vLLM's tokenizer accepts.</summary>
    private static readonly string[] VllmChat =
    [
        "messages",
        "tools",
        "chat_template",
        "chat_template_kwargs",
        "add_generation_prompt",
        "continue_final_message",
        "add_special_tokens",
        "mm_processor_kwargs",
    ];

    /// <summary>
    /// Token count of the longest prompt of a request. Of a list each text is counted whose bytes allow more tokens than
    /// the largest count so far and than <paramref name="room"/>: neither runtime counts several texts in one call.
    /// </summary>
    /// <param name="room">Tokens that a prompt may have; a text that is surely not longer is not counted.</param>
    /// <returns>The count; null when the runtime has no known tokenizer or refuses to count this request.</returns>
    /// <exception cref="HttpRequestException">The runtime cannot be reached.</exception>
    public async Task<long?> CountAsync(
        ServedInstance instance,
        InferenceRequest request,
        long room,
        CancellationToken cancellationToken
    )
    {
        if (instance is not { Tokenizer: { } tokenizer, Endpoint: not null })
        {
            return null;
        }

        if (request.Kind == RequestKind.Chat)
        {
            var tree = request.Tree();
            return tokenizer.Shape switch
            {
                TokenizeShape.Vllm => await VllmAsync(instance, tokenizer, Part(tree, VllmChat), cancellationToken),
                TokenizeShape.LlamaServer => await LlamaChatAsync(instance, tokenizer, tree, cancellationToken),
                _ => throw new System.Diagnostics.UnreachableException(),
            };
        }

        var longest = PromptSizes.Of(request.Prompt).MostIds;
        var texts = PromptSizes.TextsOf(request.Prompt);
        for (var i = 0; i < texts.Count; i++)
        {
            if (i > 0 && texts[i].MostTokens + PromptSizes.SpecialTokens <= Math.Max(longest, room))
            {
                break;
            }

            var text = JsonNode.Parse(texts[i].Json.Span)!;
            if (await CountOneAsync(instance, tokenizer, text, cancellationToken) is not { } count)
            {
                return null;
            }

            longest = Math.Max(longest, count);
        }

        return longest;
    }

    /// <summary>The text of token ids, in one call of the runtime's own detokenizer.</summary>
    /// <returns>The text; null when the runtime has no known detokenizer, does not answer in time, or refuses.</returns>
    public async Task<string?> TextOfAsync(
        ServedInstance instance,
        ImmutableArray<int> ids,
        CancellationToken cancellationToken
    )
    {
        const string tokenize = "/tokenize";
        if (
            instance is not { Tokenizer: { } tokenizer, Endpoint: not null }
            || !tokenizer.Path.EndsWith(tokenize, StringComparison.Ordinal)
            || ids.Length > MostIds
        )
        {
            return null;
        }

        var question = new JsonObject { ["tokens"] = new JsonArray([.. ids.Select(id => (JsonNode)id)]) };
        if (tokenizer.Shape == TokenizeShape.Vllm)
        {
            question["model"] = instance.ServingName;
        }

        var path = $"{tokenizer.Path[..^tokenize.Length]}/detokenize";
        using var late = new CancellationTokenSource(options.Value.TokenizeTimeout, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            var answer = await AskAsync(instance, path, question, stop.Token);
            var text = Text(answer?["prompt"]) ?? Text(answer?["content"]) ?? Text(answer?["text"]);
            return text is { Length: > 0 } ? text : null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException)
        {
            return null;
        }
    }

    /// <summary>
    /// Counts a text, or an array of texts and tokens. Such an array is one prompt to llama-server; vLLM itself
    /// refuses it.
    /// </summary>
    private async Task<long?> CountOneAsync(
        ServedInstance instance,
        RuntimeTokenizer tokenizer,
        JsonNode content,
        CancellationToken cancellationToken
    )
    {
        if (tokenizer.Shape == TokenizeShape.LlamaServer)
        {
            return await LlamaAsync(instance, tokenizer, content, cancellationToken);
        }

        return content is JsonArray
            ? null
            : await VllmAsync(
                instance,
                tokenizer,
                new JsonObject { ["prompt"] = content.DeepClone() },
                cancellationToken
            );
    }

    private async Task<long?> VllmAsync(
        ServedInstance instance,
        RuntimeTokenizer tokenizer,
        JsonObject question,
        CancellationToken cancellationToken
    )
    {
        var answer = await AskAsync(instance, tokenizer.Path, question, cancellationToken);
        return Number(answer?["count"]) ?? (answer?["tokens"] as JsonArray)?.Count;
    }

    private async Task<long?> LlamaChatAsync(
        ServedInstance instance,
        RuntimeTokenizer tokenizer,
        JsonObject chat,
        CancellationToken cancellationToken
    )
    {
        chat.Remove("stream");
        var templated = await AskAsync(instance, "/apply-template", chat, cancellationToken);
        return templated?["prompt"] is JsonValue prompt && prompt.GetValueKind() == JsonValueKind.String
            ? await LlamaAsync(instance, tokenizer, prompt, cancellationToken)
            : null;
    }

    /// <summary>Counts like a llama-server completion: adds special tokens, parses those in the text.</summary>
    private async Task<long?> LlamaAsync(
        ServedInstance instance,
        RuntimeTokenizer tokenizer,
        JsonNode content,
        CancellationToken cancellationToken
    )
    {
        var question = new JsonObject
        {
            ["content"] = content.DeepClone(),
            ["add_special"] = true,
            ["parse_special"] = true,
        };
        var answer = await AskAsync(instance, tokenizer.Path, question, cancellationToken);
        return (answer?["tokens"] as JsonArray)?.Count;
    }

    private async Task<JsonObject?> AskAsync(
        ServedInstance instance,
        string path,
        JsonObject question,
        CancellationToken cancellationToken
    )
    {
        using var request = RuntimeClient.Request(HttpMethod.Post, instance, path);
        request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(question.ToJsonString()));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await runtimes.Plain.SendAsync(request, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            return null;
        }

        await response.Content.LoadIntoBufferAsync(LongestAnswer, cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        return await JsonNode.ParseAsync(body, cancellationToken: cancellationToken) as JsonObject;
    }

    private static JsonObject Part(JsonObject tree, string[] members)
    {
        var part = new JsonObject();
        foreach (var member in members)
        {
            if (tree[member] is { } value)
            {
                part[member] = value.DeepClone();
            }
        }

        return part;
    }

    private static string? Text(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static long? Number(JsonNode? node) =>
        node is JsonValue value && value.GetValueKind() == JsonValueKind.Number && value.TryGetValue<long>(out var n)
            ? n
            : null;
}

using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Upstream;

/// <summary>One chat completion for the scheduler itself: no streaming, temperature 0, a bounded answer.</summary>
internal sealed class InstanceChat(IServingTable names, RuntimeClient runtimes, TimeProvider clock) : IInstanceChat
{
    /// <summary>Longer answers count as failures.</summary>
    private const int LongestAnswer = 256 * 1024;

    public async Task<ChatReply> AskAsync(
        AccountId account,
        string servingName,
        ChatQuestion question,
        CancellationToken cancellationToken
    )
    {
        using var late = new CancellationTokenSource(question.Deadline, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return await names.FindAsync(account, servingName, stop.Token) switch
            {
                ServedInstance { IsServing: true } instance => await AskAsync(instance, question, stop.Token),
                ServedInstance instance => new ChatReply(
                    null,
                    ChatFault.NotRunning,
                    instance.Failure is { Failure: { } failure }
                        ? $"'{servingName}' has failed: {failure.Message}"
                        : $"'{servingName}' is {instance.State.WireName()}"
                ),
                ServedBalancer => new ChatReply(null, ChatFault.NotFound, $"'{servingName}' is a balancer"),
                _ => new ChatReply(null, ChatFault.NotFound, $"no instance has the serving name '{servingName}'"),
            };
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new ChatReply(
                null,
                ChatFault.TimedOut,
                $"'{servingName}' did not answer within {question.Deadline.TotalSeconds:0.###} s"
            );
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException)
        {
            return new ChatReply(null, ChatFault.Failed, $"'{servingName}' could not be asked: {e.GetType().Name}");
        }
    }

    private async Task<ChatReply> AskAsync(ServedInstance instance, ChatQuestion question, CancellationToken stop)
    {
        using var request = RuntimeClient.Request(HttpMethod.Post, instance, "/v1/chat/completions");
        request.Content = new ByteArrayContent(
            JsonSerializer.SerializeToUtf8Bytes(Body(instance.ServingName, question))
        );
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await runtimes.Plain.SendAsync(request, stop);
        if (!response.IsSuccessStatusCode)
        {
            return new ChatReply(
                null,
                ChatFault.Failed,
                $"'{instance.ServingName}' answered with the status {(int)response.StatusCode}"
            );
        }

        await response.Content.LoadIntoBufferAsync(LongestAnswer, stop);
        await using var body = await response.Content.ReadAsStreamAsync(stop);
        var answer = await JsonNode.ParseAsync(body, cancellationToken: stop);
        return TextOf(answer) is { } text
            ? new ChatReply(text, ChatFault.None, "")
            : new ChatReply(null, ChatFault.Failed, $"'{instance.ServingName}' answered without a message");
    }

    private static JsonObject Body(string servingName, ChatQuestion question)
    {
        var body = new JsonObject
        {
            ["model"] = servingName,
            ["messages"] = new JsonArray(
                new JsonObject { ["role"] = "system", ["content"] = question.System },
                new JsonObject { ["role"] = "user", ["content"] = Content(question) }
            ),
            ["max_tokens"] = question.MaxTokens,
            ["temperature"] = 0,
            ["stream"] = false,
        };
        if (question.AnswerSchema is { } schema)
        {
            body["response_format"] = new JsonObject
            {
                ["type"] = "json_schema",
                ["json_schema"] = new JsonObject
                {
                    ["name"] = "answer",
                    ["strict"] = true,
                    ["schema"] = schema.DeepClone(),
                },
            };
        }

        return body;
    }

    private static JsonNode Content(ChatQuestion question)
    {
        if (question.Images.IsEmpty)
        {
            return question.User;
        }

        var parts = new JsonArray(new JsonObject { ["type"] = "text", ["text"] = question.User });
        foreach (var image in question.Images)
        {
            parts.Add(
                (JsonNode)
                    new JsonObject
                    {
                        ["type"] = "image_url",
                        ["image_url"] = new JsonObject { ["url"] = image },
                    }
            );
        }

        return parts;
    }

    private static string? TextOf(JsonNode? answer) =>
        (answer as JsonObject)?["choices"] is JsonArray { Count: > 0 } choices
        && (choices[0] as JsonObject)?["message"] is JsonObject message
        && message["content"] is JsonValue content
        && content.TryGetValue<string>(out var text)
            ? text
            : null;
}

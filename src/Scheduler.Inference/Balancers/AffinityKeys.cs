using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Balancers;
using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Balancers;

/// <summary>What makes two requests belong to the same member of a target group.</summary>
internal static class AffinityKeys
{
    /// <summary>Header: any text that the requests of one session have in common.</summary>
    public const string SessionHeader = "X-Session-Id";

    /// <summary>About a thousand tokens: runtimes remember prompts in blocks from the start, and few differ only later.</summary>
    private const int PrefixBytes = 4000;

    /// <returns>Null for a policy without keys, and for a request that has none.</returns>
    public static ulong? Of(GroupPolicy policy, HttpContext http, InferenceRequest request) =>
        policy switch
        {
            GroupPolicy.Session => SessionOf(http, request) is { Length: > 0 } session
                ? Affinity.NumberOf(session)
                : null,
            GroupPolicy.Prefix => request.Prompt.IsEmpty ? null : Affinity.NumberOf(Beginning(request).Span),
            GroupPolicy.WeightedRoundRobin or GroupPolicy.LeastOutstanding => null,
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    /// <summary>
    /// The bytes of a prompt by which its member is chosen: the first thousand tokens, but nothing after the first
    /// message of a user. So all turns of a chat have the same, also while they are short.
    /// </summary>
    internal static ReadOnlyMemory<byte> Beginning(InferenceRequest request)
    {
        var prompt = request.Prompt;
        var end = request.Kind == RequestKind.Chat ? EndOfFirstQuestion(prompt.Span) : prompt.Length;
        return prompt[..Math.Min(end, PrefixBytes)];
    }

    private static string? SessionOf(HttpContext http, InferenceRequest request) =>
        http.Request.Headers[SessionHeader] is [{ Length: > 0 } header] ? header : request.Session;

    private static int EndOfFirstQuestion(ReadOnlySpan<byte> messages)
    {
        var json = new Utf8JsonReader(messages, new JsonReaderOptions { MaxDepth = RequestReader.MaxDepth });
        if (!json.Read() || json.TokenType != JsonTokenType.StartArray)
        {
            return messages.Length;
        }

        while (json.BytesConsumed < PrefixBytes && json.Read() && json.TokenType == JsonTokenType.StartObject)
        {
            var isQuestion = false;
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var isRole = json.ValueTextEquals("role"u8);
                json.Read();
                isQuestion |= isRole && json.TokenType == JsonTokenType.String && json.ValueTextEquals("user"u8);
                json.Skip();
            }

            if (isQuestion)
            {
                return (int)json.BytesConsumed;
            }
        }

        return messages.Length;
    }
}

using Microsoft.AspNetCore.Http;
using Scheduler.Edge;
using Scheduler.Edge.Limits;
using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Dialects;

/// <summary>
/// A request in another dialect than the runtimes' common one, chat completions, with its translation. Firewalls judge
/// the translation and the context check counts it. A runtime that speaks the dialect gets the client's own body, but
/// only where no firewall judged: behind a firewall it gets what the judge saw (INV-10).
/// </summary>
internal sealed record DialectExchange
{
    /// <summary>
    /// Bytes of memory that a translation takes for one of the body: its tree, that of the chat, and the chat's body.
    /// </summary>
    private const int TimesOfTranslation = 12;

    /// <summary>The request as the client sent it.</summary>
    public required InferenceRequest Native { get; init; }

    /// <summary>The same request as a chat completion.</summary>
    public required InferenceRequest Chat { get; init; }

    /// <summary>Headers of the dialect that a runtime which speaks it gets.</summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>Begins the translation of one answer back, at this time.</summary>
    public required Func<RequestScope, DateTimeOffset, AnswerTranslation> Answer { get; init; }

    /// <summary>Whether the client asks for the size of its prompt only.</summary>
    public bool CountsOnly => Native.Kind == RequestKind.MessageTokens;

    /// <summary>Translates a request; null for one that needs no translation.</summary>
    /// <param name="request">As <see cref="RequestReader"/> read it.</param>
    /// <param name="memory">What the request holds of the memory budget; null where none is counted.</param>
    /// <exception cref="ApiException">
    /// The request is invalid, or asks for something that no runtime behind this gateway does. Lists all faults. Or
    /// RATE_LIMITED: the memory budget is used.
    /// </exception>
    public static DialectExchange? Of(InferenceRequest request, IHeaderDictionary headers, MemoryShare? memory)
    {
        if (request.Kind is RequestKind.Messages or RequestKind.MessageTokens or RequestKind.Responses)
        {
            memory?.Grow((long)request.Body.Length * TimesOfTranslation);
        }

        return request.Kind switch
        {
            RequestKind.Messages or RequestKind.MessageTokens => MessagesRequest.Translate(request, headers),
            RequestKind.Responses => ResponsesRequest.Translate(request),
            RequestKind.Chat
            or RequestKind.Completion
            or RequestKind.Embedding
            or RequestKind.Rerank
            or RequestKind.Score
            or RequestKind.Tokenize
            or RequestKind.Detokenize
            or RequestKind.Speech
            or RequestKind.Transcription
            or RequestKind.Translation => null,
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }
}

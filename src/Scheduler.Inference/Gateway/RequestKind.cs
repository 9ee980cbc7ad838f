using System.Collections.Frozen;
using Scheduler.Inference.Dialects;

namespace Scheduler.Inference.Gateway;

internal enum RequestKind
{
    /// <summary><c>/v1/chat/completions</c>.</summary>
    Chat = 1,

    /// <summary><c>/v1/completions</c>.</summary>
    Completion,

    /// <summary><c>/v1/embeddings</c>.</summary>
    Embedding,

    /// <summary><c>/v1/rerank</c>; not OpenAI's, but of vLLM, llama-server and others.</summary>
    Rerank,

    /// <summary><c>/v1/score</c> of vLLM.</summary>
    Score,

    /// <summary><c>/tokenize</c>.</summary>
    Tokenize,

    /// <summary><c>/detokenize</c>.</summary>
    Detokenize,

    /// <summary><c>/v1/audio/speech</c>: text becomes sound.</summary>
    Speech,

    /// <summary><c>/v1/audio/transcriptions</c>: a form with a sound file.</summary>
    Transcription,

    /// <summary><c>/v1/audio/translations</c>: a form with a sound file.</summary>
    Translation,

    /// <summary><c>/v1/messages</c> of Anthropic.</summary>
    Messages,

    /// <summary><c>/v1/messages/count_tokens</c> of Anthropic.</summary>
    MessageTokens,

    /// <summary><c>/v1/responses</c> of OpenAI.</summary>
    Responses,
}

internal static class RequestKinds
{
    /// <summary>The path of each kind, at the gateway and at the runtime.</summary>
    public static readonly FrozenDictionary<RequestKind, string> Paths = new Dictionary<RequestKind, string>
    {
        [RequestKind.Chat] = "/v1/chat/completions",
        [RequestKind.Completion] = "/v1/completions",
        [RequestKind.Embedding] = "/v1/embeddings",
        [RequestKind.Rerank] = "/v1/rerank",
        [RequestKind.Score] = "/v1/score",
        [RequestKind.Tokenize] = "/tokenize",
        [RequestKind.Detokenize] = "/detokenize",
        [RequestKind.Speech] = "/v1/audio/speech",
        [RequestKind.Transcription] = "/v1/audio/transcriptions",
        [RequestKind.Translation] = "/v1/audio/translations",
        [RequestKind.Messages] = "/v1/messages",
        [RequestKind.MessageTokens] = "/v1/messages/count_tokens",
        [RequestKind.Responses] = "/v1/responses",
    }.ToFrozenDictionary();

    /// <summary>Whether the model writes text, which can be streamed as events.</summary>
    public static bool IsGeneration(this RequestKind kind) =>
        kind is RequestKind.Chat or RequestKind.Completion or RequestKind.Messages or RequestKind.Responses;

    /// <summary>The form of errors that the clients of this kind understand.</summary>
    public static ClientErrors Errors(this RequestKind kind) =>
        kind is RequestKind.Messages or RequestKind.MessageTokens ? MessagesErrors.Shape
        : kind is RequestKind.Responses ? ResponsesErrors.Shape
        : OpenAiErrors.Shape;

    /// <summary>
    /// Whether the gateway reads the prompt of this kind. Dialects are translated to a kind that it reads. Of the other kinds it
    /// reads only the model: where a firewall applies, they count as content that no judge can see.
    /// </summary>
    public static bool HasReader(this RequestKind kind) =>
        kind is RequestKind.Chat or RequestKind.Completion or RequestKind.Embedding;

    /// <summary>Whether the body is a form (<c>multipart/form-data</c>) and not JSON.</summary>
    public static bool TakesForm(this RequestKind kind) => kind is RequestKind.Transcription or RequestKind.Translation;
}

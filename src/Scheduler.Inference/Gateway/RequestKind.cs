using System.Collections.Frozen;

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
    }.ToFrozenDictionary();

    /// <summary>Whether the model writes text, which can be streamed as events.</summary>
    public static bool IsGeneration(this RequestKind kind) => kind is RequestKind.Chat or RequestKind.Completion;

    /// <summary>
    /// Whether the gateway reads the prompt of this kind. Of the others it reads only the model: where a firewall
    /// applies they count as content that no judge can see.
    /// </summary>
    public static bool HasReader(this RequestKind kind) => kind.IsGeneration() || kind == RequestKind.Embedding;

    /// <summary>Whether the body is a form (<c>multipart/form-data</c>) and not JSON.</summary>
    public static bool TakesForm(this RequestKind kind) => kind is RequestKind.Transcription or RequestKind.Translation;
}

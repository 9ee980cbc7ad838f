namespace Scheduler.Inference.Gateway;

internal enum RequestKind
{
    /// <summary><c>/v1/chat/completions</c>.</summary>
    Chat = 1,

    /// <summary><c>/v1/completions</c>.</summary>
    Completion,

    /// <summary><c>/v1/embeddings</c>.</summary>
    Embedding,
}

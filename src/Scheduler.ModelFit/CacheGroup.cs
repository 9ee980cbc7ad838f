namespace Scheduler.ModelFit;

/// <summary>Layers whose cache grows in the same way.</summary>
/// <param name="KvHeads">KV heads of a layer; 1 for a latent vector; 0 for a state.</param>
/// <param name="KeyDimension">Elements of one key of one head; for a latent vector, the whole vector.</param>
/// <param name="ValueDimension">Elements of one value of one head; 0 for a latent vector and an indexer.</param>
/// <param name="Window">Tokens kept, for sliding windows and chunks; otherwise 0.</param>
/// <param name="StateBytes">Bytes per sequence and layer, for a state; otherwise 0.</param>
[GenerateSerializer, Immutable, Alias("scheduler.CacheGroup")]
public sealed record CacheGroup(
    [property: Id(0)] CacheKind Kind,
    [property: Id(1)] int Layers,
    [property: Id(2)] int KvHeads,
    [property: Id(3)] int KeyDimension,
    [property: Id(4)] int ValueDimension,
    [property: Id(5)] long Window,
    [property: Id(6)] long StateBytes
);

/// <summary>What a layer caches of earlier tokens. Stored by name.</summary>
public enum CacheKind
{
    FullAttention = 1,

    /// <summary>Keys and values of the last <see cref="CacheGroup.Window"/> tokens.</summary>
    SlidingWindow = 2,

    /// <summary>Keys and values of the current chunk of <see cref="CacheGroup.Window"/> tokens (Llama 4).</summary>
    Chunked = 3,

    /// <summary>One latent vector per token, shared by all heads (multi-head latent attention).</summary>
    Latent = 4,

    /// <summary>FP8 keys of every token, for the sparse-attention indexer.</summary>
    Indexer = 5,

    /// <summary>A state of constant size per sequence (state-space and linear-attention layers).</summary>
    State = 6,
}

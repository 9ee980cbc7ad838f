namespace Scheduler.ModelFit;

/// <summary>One layer of a model: what mixes its tokens, and what processes each token.</summary>
internal sealed record Layer(Mixer Mixer, Feed Feed)
{
    /// <summary>Query heads; 0 for those of the model.</summary>
    public int Heads { get; init; }

    /// <summary>KV heads; 0 for those of the model.</summary>
    public int KvHeads { get; init; }

    /// <summary>Width of a key; 0 for that of the model.</summary>
    public int Key { get; init; }

    /// <summary>Width of a value; 0 for that of the key.</summary>
    public int Value { get; init; }

    /// <summary>Whether the layer reads keys and values of an earlier one: it caches none.</summary>
    public bool SharesKv { get; init; }

    /// <summary>Whether a sharing layer has no matrices for keys and values either.</summary>
    public bool LacksKv { get; init; }

    /// <summary>Whether one matrix gives keys and values; both are cached.</summary>
    public bool ValuesAreKeys { get; init; }

    /// <summary>Whether a state-space block works beside the attention.</summary>
    public bool HasState { get; init; }

    /// <summary>Width of the dense block; 0 for that of the model.</summary>
    public long Width { get; init; }

    /// <summary>Whether a dense block works beside the experts.</summary>
    public bool HasDenseBeside { get; init; }

    public bool Attends => Mixer is Mixer.Full or Mixer.Sliding or Mixer.Chunked;
}

internal enum Mixer
{
    None,
    Full,
    Sliding,
    Chunked,
    Cross,

    /// <summary>Mamba: a selective scan over channels.</summary>
    Selective,

    /// <summary>Mamba-2: heads with one decay each.</summary>
    Scalar,

    /// <summary>Gated delta rule.</summary>
    Delta,

    /// <summary>Kimi delta attention: a decay for each channel.</summary>
    Kda,

    /// <summary>Lightning attention: linear attention with an output gate.</summary>
    Lightning,

    /// <summary>Short convolution.</summary>
    Convolution,

    /// <summary>One square matrix in place of attention.</summary>
    Linear,
}

/// <summary>How a layer processes each token separately.</summary>
internal enum Feed
{
    None,
    Dense,
    Experts,

    /// <summary>One square matrix in place of the block.</summary>
    Linear,
}

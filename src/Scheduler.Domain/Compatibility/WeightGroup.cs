namespace Scheduler.Domain.Compatibility;

/// <summary>Equal weight matrices, counted together.</summary>
/// <param name="Role">What they are for.</param>
/// <param name="Rows">Output features, ≥ 1.</param>
/// <param name="Columns">Input features, ≥ 1.</param>
/// <param name="Copies">How many such matrices the model has, ≥ 1.</param>
/// <param name="Stored">How the published files hold them.</param>
/// <param name="StoredBytes">Bytes of all copies as published, scales included.</param>
[GenerateSerializer, Immutable, Alias("scheduler.WeightGroup")]
public sealed record WeightGroup(
    [property: Id(0)] WeightRole Role,
    [property: Id(1)] long Rows,
    [property: Id(2)] long Columns,
    [property: Id(3)] long Copies,
    [property: Id(4)] WeightScheme Stored,
    [property: Id(5)] long StoredBytes
)
{
    /// <summary>Logical weights, scales left out.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long Parameters => checked(Rows * Columns * Copies);

    /// <summary>Scales the published files hold beside the weights.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long StoredScales => checked(Stored.Scales(Rows, Columns) * Copies);

    /// <summary>Whether an 8- or 4-bit scheme touches this role; embeddings, heads, norms and vision stay 16-bit.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsQuantizable =>
        Role
            is WeightRole.Attention
                or WeightRole.KeyValue
                or WeightRole.LatentDown
                or WeightRole.DenseMlp
                or WeightRole.SharedExpert
                or WeightRole.RoutedExpert
                or WeightRole.StateSpace;

    /// <summary>Bytes of all copies when the engine is told to hold them in <paramref name="format"/>; null keeps them as published.</summary>
    /// <param name="format">The format wished for.</param>
    public long BytesIn(WeightFormat? format)
    {
        if (format is null || format == Stored.Format)
        {
            return StoredBytes;
        }

        // Full precision is asked for of everything; narrower formats leave what they do not touch at 16 bits.
        var scheme =
            IsQuantizable || format == WeightFormat.Fp32 ? WeightScheme.Customary(format.Value) : WeightScheme.Sixteen;
        return checked(scheme.Bytes(Rows, Columns) * Copies);
    }
}

/// <summary>What a weight matrix is for: it decides whether quantization touches it, and how tensor parallelism divides it. Stored by name.</summary>
public enum WeightRole
{
    /// <summary>Token embeddings: 16 bits under every 8- and 4-bit scheme; divided by vocabulary.</summary>
    Embedding = 1,

    /// <summary>The output head, where it is not tied to the embeddings.</summary>
    LmHead = 2,

    /// <summary>Query and output projections (also of cross attention).</summary>
    Attention = 3,

    /// <summary>Key and value projections: divided by KV heads, at least one head on each GPU.</summary>
    KeyValue = 4,

    /// <summary>Down-projections of latent attention and the sparse-attention indexer: whole on every GPU.</summary>
    LatentDown = 5,

    /// <summary>Linear layers of a dense feed-forward block.</summary>
    DenseMlp = 6,

    /// <summary>Experts every token passes through.</summary>
    SharedExpert = 7,

    /// <summary>Experts the router picks from.</summary>
    RoutedExpert = 8,

    /// <summary>The router itself: whole on every GPU, never quantized.</summary>
    Router = 9,

    /// <summary>State-space and linear-attention projections.</summary>
    StateSpace = 10,

    /// <summary>Norms, biases, convolutions, sinks: small, whole on every GPU, never quantized.</summary>
    Norm = 11,

    /// <summary>Vision tower and projector: whole on every GPU, never quantized.</summary>
    Vision = 12,

    /// <summary>Learned position tables.</summary>
    Position = 13,

    /// <summary>The next-token-prediction layer: in the files, not loaded unless speculative decoding is asked for.</summary>
    NextTokenPrediction = 14,
}

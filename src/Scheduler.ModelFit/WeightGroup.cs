namespace Scheduler.ModelFit;

/// <summary>Weight matrices of equal shape, role and scheme.</summary>
/// <param name="Rows">Output features, ≥ 1.</param>
/// <param name="Columns">Input features, ≥ 1.</param>
/// <param name="Copies">Number of such matrices in the model, ≥ 1.</param>
/// <param name="StoredBytes">Bytes of all copies as published, including scales.</param>
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
    /// <summary>Logical weights, without scales.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long Parameters => checked(Rows * Columns * Copies);

    [System.Text.Json.Serialization.JsonIgnore]
    public long StoredScales => checked(Stored.Scales(Rows, Columns) * Copies);

    /// <summary>Whether 8- and 4-bit schemes quantize this role; the other roles stay 16-bit.</summary>
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

    /// <summary>Bytes of all copies in <paramref name="format"/>; null means as published.</summary>
    public long BytesIn(WeightFormat? format)
    {
        if (format is null || format == Stored.Format)
        {
            return StoredBytes;
        }

        // A request for full precision applies to all weights. Narrower formats leave the other roles at 16 bits.
        var scheme =
            IsQuantizable || format == WeightFormat.Fp32 ? WeightScheme.Customary(format.Value) : WeightScheme.Sixteen;
        return checked(scheme.Bytes(Rows, Columns) * Copies);
    }
}

/// <summary>Purpose of a matrix; decides its quantization and its tensor-parallel split. Stored by name.</summary>
public enum WeightRole
{
    /// <summary>Token embeddings: 16 bits under every 8- and 4-bit scheme; divided by vocabulary.</summary>
    Embedding = 1,

    /// <summary>The output head, when it is not tied to the embeddings.</summary>
    LmHead = 2,

    /// <summary>Query and output projections (also of cross attention).</summary>
    Attention = 3,

    /// <summary>Key and value projections: divided by KV heads, at least one head on each GPU.</summary>
    KeyValue = 4,

    /// <summary>Down-projections of latent attention, and the sparse-attention indexer: whole on every GPU.</summary>
    LatentDown = 5,

    DenseMlp = 6,

    /// <summary>Experts that process every token.</summary>
    SharedExpert = 7,

    /// <summary>Experts that the router selects from.</summary>
    RoutedExpert = 8,

    /// <summary>Router of the experts: whole on every GPU, never quantized.</summary>
    Router = 9,

    StateSpace = 10,

    /// <summary>Norms, biases, convolutions, sinks: small, whole on every GPU, never quantized.</summary>
    Norm = 11,

    /// <summary>Vision tower and projector: whole on every GPU, never quantized.</summary>
    Vision = 12,

    Position = 13,

    /// <summary>Next-token-prediction layer: in the files, loaded only for speculative decoding.</summary>
    NextTokenPrediction = 14,
}

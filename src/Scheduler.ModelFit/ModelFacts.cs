using System.Collections.Immutable;

namespace Scheduler.ModelFit;

/// <summary>
/// Properties of a model's architecture that decide its VRAM need. Read from a Hugging Face <c>config.json</c>
/// (<see cref="HfConfig"/>) or a GGUF header (<see cref="GgufHeader"/>); stored with the instance.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.ModelFacts")]
public sealed record ModelFacts
{
    /// <summary>Largest accepted parameter count: 2^50, a thousand times the largest published model.</summary>
    public const long MaxParameters = 1L << 50;

    /// <summary>Usually the Hugging Face id.</summary>
    [Id(0)]
    public string Name { get; init; } = "";

    /// <summary>The architecture as the file names it (<c>qwen3_moe</c>, <c>llama</c>).</summary>
    [Id(1)]
    public string Architecture { get; init; } = "";

    /// <summary>All weight matrices; equal ones are grouped.</summary>
    [Id(2)]
    public ImmutableArray<WeightGroup> Weights { get; init; } = [];

    /// <summary>Caches of the layers; empty for an encoder.</summary>
    [Id(3)]
    public ImmutableArray<CacheGroup> Caches { get; init; } = [];

    [Id(4)]
    public int Layers { get; init; }

    /// <summary>Width of the residual stream.</summary>
    [Id(5)]
    public int HiddenSize { get; init; }

    [Id(6)]
    public int VocabularySize { get; init; }

    /// <summary>Query heads. The tensor-parallel size must divide them. 0 for a model without attention.</summary>
    [Id(7)]
    public int AttentionHeads { get; init; }

    /// <summary>KV heads; 1 for latent attention; 0 for a model without attention.</summary>
    [Id(8)]
    public int KvHeads { get; init; }

    /// <summary>Feed-forward elements held per token: the intermediate size, or that of all active experts.</summary>
    [Id(9)]
    public long ActiveIntermediate { get; init; }

    /// <summary>Tokens; null when the file does not state it (state-space models have no maximum).</summary>
    [Id(10)]
    public long? MaxContextTokens { get; init; }

    [Id(11)]
    public WeightFormat NativeFormat { get; init; } = WeightFormat.Bf16;

    [Id(12)]
    public bool TiedEmbeddings { get; init; }

    /// <summary>Whether the model is an encoder, which keeps no KV cache.</summary>
    [Id(13)]
    public bool IsEncoder { get; init; }

    /// <summary>KV format with published scales; <see cref="KvFormat.Bf16"/> when there are none.</summary>
    [Id(14)]
    public KvFormat PublishedKvFormat { get; init; } = KvFormat.Bf16;

    /// <summary>Widths that a number of GPUs must divide into whole blocks; empty when any number works.</summary>
    [Id(15)]
    public ImmutableArray<SplitWidth> Splits { get; init; } = [];

    /// <summary>Why the figures are uncertain, one reason each; empty when they are not.</summary>
    [Id(16)]
    public ImmutableArray<string> Doubts { get; init; } = [];

    /// <summary>Lower bound of the true weights, thousandths of the computed ones; 1000 when they are exact.</summary>
    [Id(17)]
    public int WeightsLowPerMille { get; init; } = 1000;

    /// <summary>Upper bound of the true weights, thousandths of the computed ones; 1000 when they are exact.</summary>
    [Id(18)]
    public int WeightsHighPerMille { get; init; } = 1000;

    /// <summary>Logical parameters of the served model: without scales and next-token-prediction layer.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long Parameters => Sum(group => group.Role == WeightRole.NextTokenPrediction ? 0 : group.Parameters);

    /// <summary>Elements as Hugging Face counts them: with scales and next-token-prediction layer.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long StoredElements => Sum(group => checked(group.Parameters + group.StoredScales));

    /// <summary>Bytes of the served weights in the published format, on one GPU.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long WeightBytes => Sum(group => group.Role == WeightRole.NextTokenPrediction ? 0 : group.StoredBytes);

    /// <summary>16-bit cache per token over all layers that keep every token; 0 without such layers.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long KvBytesPerToken =>
        Caches
            .Where(cache => cache is { Kind: not CacheKind.State, Window: 0 })
            .Sum(cache => checked(VramEstimate.TokenBytes(cache, KvFormat.Bf16, 1, false) * cache.Layers));

    public long ParametersOf(WeightRole role) => Sum(group => group.Role == role ? group.Parameters : 0);

    private long Sum(Func<WeightGroup, long> of)
    {
        var sum = 0L;
        foreach (var group in Weights)
        {
            sum = checked(sum + of(group));
        }

        return sum;
    }
}

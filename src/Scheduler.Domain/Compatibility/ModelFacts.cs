using System.Collections.Immutable;

namespace Scheduler.Domain.Compatibility;

/// <summary>
/// What of a model's architecture decides how much VRAM it needs. Read from a Hugging Face <c>config.json</c>
/// (<see cref="HfConfig"/>) or a GGUF header (<see cref="GgufHeader"/>); stored with the instance.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.ModelFacts")]
public sealed record ModelFacts
{
    /// <summary>The most parameters that are believed: 2^50, a thousand times the largest published model.</summary>
    public const long MaxParameters = 1L << 50;

    /// <summary>What the model is called: usually its Hugging Face id.</summary>
    [Id(0)]
    public string Name { get; init; } = "";

    /// <summary>The architecture as the file names it (<c>qwen3_moe</c>, <c>llama</c>).</summary>
    [Id(1)]
    public string Architecture { get; init; } = "";

    /// <summary>Every weight matrix, equal ones counted together.</summary>
    [Id(2)]
    public ImmutableArray<WeightGroup> Weights { get; init; } = [];

    /// <summary>What the layers remember; empty for an encoder.</summary>
    [Id(3)]
    public ImmutableArray<CacheGroup> Caches { get; init; } = [];

    /// <summary>Layers of the language model.</summary>
    [Id(4)]
    public int Layers { get; init; }

    /// <summary>Width of the residual stream.</summary>
    [Id(5)]
    public int HiddenSize { get; init; }

    /// <summary>Tokens in the vocabulary.</summary>
    [Id(6)]
    public int VocabularySize { get; init; }

    /// <summary>Query heads, which the tensor-parallel size must divide; 0 for a model without attention.</summary>
    [Id(7)]
    public int AttentionHeads { get; init; }

    /// <summary>KV heads; 1 for latent attention; 0 for a model without attention.</summary>
    [Id(8)]
    public int KvHeads { get; init; }

    /// <summary>Elements a feed-forward block holds at once for one token: intermediate size, or the active experts' together.</summary>
    [Id(9)]
    public long ActiveIntermediate { get; init; }

    /// <summary>Largest context the model was made for, tokens; null where the file does not say (state-space models have none).</summary>
    [Id(10)]
    public long? MaxContextTokens { get; init; }

    /// <summary>The format of the bulk of the weights, as published.</summary>
    [Id(11)]
    public WeightFormat NativeFormat { get; init; } = WeightFormat.Bf16;

    /// <summary>Whether the output head is the embedding table.</summary>
    [Id(12)]
    public bool TiedEmbeddings { get; init; }

    /// <summary>Whether this is an encoder that keeps no KV cache.</summary>
    [Id(13)]
    public bool IsEncoder { get; init; }

    /// <summary>The KV cache format the publisher ships scales for; <see cref="KvFormat.Bf16"/> where none.</summary>
    [Id(14)]
    public KvFormat PublishedKvFormat { get; init; } = KvFormat.Bf16;

    /// <summary>Logical parameters of the model as it is served: without scales, without the next-token-prediction layer.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long Parameters => Sum(group => group.Role == WeightRole.NextTokenPrediction ? 0 : group.Parameters);

    /// <summary>Elements in the published files: next-token-prediction layer and scales counted, as Hugging Face counts them.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long StoredElements => Sum(group => checked(group.Parameters + group.StoredScales));

    /// <summary>Bytes of the weights as served in the published format, on one GPU.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long WeightBytes => Sum(group => group.Role == WeightRole.NextTokenPrediction ? 0 : group.StoredBytes);

    /// <summary>Bytes of cache one more token takes in 16 bit, over all layers that keep every token; 0 without such layers.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long KvBytesPerToken =>
        Caches
            .Where(cache => cache is { Kind: not CacheKind.State, Window: 0 })
            .Sum(cache => checked(VramEstimate.TokenBytes(cache, KvFormat.Bf16, 1, false) * cache.Layers));

    /// <summary>Logical parameters of one role.</summary>
    /// <param name="role">The role.</param>
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

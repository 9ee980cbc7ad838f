namespace Scheduler.Domain.Compatibility;

/// <summary>
/// What a <c>model_type</c> implies that its config does not say: how many matrices a feed-forward block has, where biases and norms sit.
/// Sources: the modelling code of Hugging Face transformers. A type not named here gets what most published models have: gated
/// feed-forward, two norms a layer, no biases unless the config asks for them, an output head of its own.
/// </summary>
internal sealed record Family
{
    private static readonly HashSet<string> PlainFeed = new(StringComparer.Ordinal)
    {
        "gpt2",
        "gpt_bigcode",
        "gpt_neo",
        "gpt_neox",
        "gptj",
        "opt",
        "bloom",
        "falcon",
        "phi",
        "starcoder2",
        "mpt",
        "codegen",
        "nemotron",
        "nemotron_h",
        "bert",
        "roberta",
        "xlm-roberta",
        "camembert",
        "electra",
        "mpnet",
        "distilbert",
    };

    private static readonly HashSet<string> BiasEverywhere = new(StringComparer.Ordinal)
    {
        "gpt2",
        "gpt_bigcode",
        "gpt_neox",
        "opt",
        "bloom",
        "phi",
        "starcoder2",
        "bert",
        "roberta",
        "xlm-roberta",
        "camembert",
        "electra",
        "mpnet",
        "distilbert",
    };

    private static readonly HashSet<string> Encoders = new(StringComparer.Ordinal)
    {
        "bert",
        "roberta",
        "xlm-roberta",
        "camembert",
        "electra",
        "mpnet",
        "distilbert",
    };

    private static readonly HashSet<string> TiedUnlessSaid = new(StringComparer.Ordinal)
    {
        "gemma",
        "gemma2",
        "gemma3",
        "gpt2",
        "gpt_bigcode",
        "gpt_neo",
        "opt",
        "bloom",
        "falcon",
        "mpt",
        "cohere",
        "cohere2",
        "starcoder2",
    };

    /// <summary>The type, without the suffix its text part carries.</summary>
    public string Type { get; private init; } = "";

    /// <summary>Matrices of a feed-forward block: 3 where it is gated, else 2.</summary>
    public int FeedMatrices { get; private init; } = 3;

    /// <summary>Whether every linear layer and norm has a bias.</summary>
    public bool HasBiasEverywhere { get; private init; }

    /// <summary>Whether query, key and value have a bias.</summary>
    public bool HasQkvBias { get; private init; }

    /// <summary>Whether the attention's output projection has a bias.</summary>
    public bool HasOutputBias { get; private init; }

    /// <summary>Whether each head's query and key are normalised with learned weights.</summary>
    public bool HasQkNorm { get; private init; }

    /// <summary>Norms of hidden size in one layer.</summary>
    public int NormsPerLayer { get; private init; } = 2;

    /// <summary>Whether there is attention at all.</summary>
    public bool HasAttention { get; private init; } = true;

    /// <summary>Whether layers are a state-space block and nothing else.</summary>
    public bool IsPureState { get; private init; }

    /// <summary>Whether this is an encoder that keeps no cache.</summary>
    public bool IsEncoder { get; private init; }

    /// <summary>Whether the head is tied to the embeddings when the config does not say.</summary>
    public bool IsTiedUnlessSaid { get; private init; }

    /// <summary>Whether positions are a learned table.</summary>
    public bool HasPositionTable { get; private init; }

    /// <summary>Reads what the type and a few fields imply.</summary>
    public static Family Of(ConfigFields fields, string rootType)
    {
        var type = TypeOf(fields, rootType);
        var hasAttention = fields.Find("num_attention_heads", "n_head", "n_heads") is not null;
        var isState = fields.Find("state_size", "mamba_d_state", "ssm_state_size") is not null;
        var bias = BiasEverywhere.Contains(type);
        var attentionBias = fields.Flag(false, "attention_bias", "qkv_bias") || bias;
        var gpt2Names =
            fields.Find("n_embd") is not null && fields.Find("hidden_act", "activation_function") is not null;
        return new Family
        {
            Type = type,
            FeedMatrices = PlainFeed.Contains(type) || gpt2Names ? 2 : 3,
            HasBiasEverywhere = bias,
            HasQkvBias = attentionBias || type is "qwen2" or "qwen2_moe" or "qwen2_vl" or "qwen2_5_vl",
            HasOutputBias = attentionBias && type is not "glm4" and not "chatglm",
            HasQkNorm = type.StartsWith("qwen3", StringComparison.Ordinal) || type is "gemma3" or "glm4_moe",
            NormsPerLayer = type switch
            {
                "gemma2" or "gemma3" => 4,
                "nemotron_h" => 1,
                _ => isState && !hasAttention ? 1 : 2,
            },
            HasAttention = hasAttention || !isState,
            IsPureState = isState && !hasAttention,
            IsEncoder = Encoders.Contains(type),
            IsTiedUnlessSaid = TiedUnlessSaid.Contains(type),
            HasPositionTable = Encoders.Contains(type) || type is "gpt2" or "gpt_bigcode" or "gpt_neo" or "opt",
        };
    }

    /// <summary>Routed experts of a layer, 0 when the model has none.</summary>
    public static long Experts(ConfigFields fields) =>
        fields.Number(0, 65536, "n_routed_experts", "num_local_experts", "num_experts", "moe_num_experts") ?? 0;

    /// <summary>How many layers one round of sliding and full attention takes; null where all slide.</summary>
    public int? SlidingPeriod(ConfigFields fields) =>
        (int?)fields.Number(1, 4096, "sliding_window_pattern")
        ?? Type switch
        {
            "gemma2" => 2,
            "gemma3" => 6,
            "cohere2" => 4,
            _ => null,
        };

    private static string TypeOf(ConfigFields fields, string rootType)
    {
        var type = fields.Text("model_type") is { Length: > 0 } own ? own : rootType;
        foreach (var suffix in (ReadOnlySpan<string>)["_text_model", "_text"])
        {
            if (type.EndsWith(suffix, StringComparison.Ordinal))
            {
                return type[..^suffix.Length];
            }
        }

        return type;
    }
}

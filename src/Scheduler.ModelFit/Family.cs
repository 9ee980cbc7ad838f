namespace Scheduler.ModelFit;

/// <summary>
/// Properties implied by a <c>model_type</c> that its config does not state: matrices of a feed-forward block, biases,
/// norms. Source: the modelling code of Hugging Face transformers. Any other type has the most common properties of
/// published models: gated feed-forward, two norms per layer, no biases unless the config states them, and a separate
/// output head.
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

    private static readonly HashSet<string> TiedByDefault = new(StringComparer.Ordinal)
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

    /// <summary>The model type, without the suffix of its text part.</summary>
    public string Type { get; private init; } = "";

    /// <summary>Matrices of a feed-forward block: 3 when gated, otherwise 2.</summary>
    public int FeedMatrices { get; private init; } = 3;

    public bool HasBiasEverywhere { get; private init; }

    public bool HasQkvBias { get; private init; }

    public bool HasOutputBias { get; private init; }

    /// <summary>Whether learned weights normalise the query and key of each head.</summary>
    public bool HasQkNorm { get; private init; }

    /// <summary>Norms of hidden size per layer.</summary>
    public int NormsPerLayer { get; private init; } = 2;

    public bool HasAttention { get; private init; } = true;

    /// <summary>Whether every layer is a state-space block only.</summary>
    public bool IsPureState { get; private init; }

    public bool IsEncoder { get; private init; }

    /// <summary>Whether the output head is tied to the embeddings when the config does not state it.</summary>
    public bool IsTiedByDefault { get; private init; }

    public bool HasPositionTable { get; private init; }

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
            IsTiedByDefault = TiedByDefault.Contains(type),
            HasPositionTable = Encoders.Contains(type) || type is "gpt2" or "gpt_bigcode" or "gpt_neo" or "opt",
        };
    }

    /// <summary>Routed experts per layer; 0 without experts.</summary>
    public static long Experts(ConfigFields fields) =>
        fields.Number(0, 65536, "n_routed_experts", "num_local_experts", "num_experts", "moe_num_experts") ?? 0;

    /// <summary>Length of one cycle of sliding and full attention, in layers; null without such a cycle.</summary>
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

using System.Collections.Immutable;

namespace Scheduler.ModelFit.Families;

/// <summary>Gated blocks, two norms, few biases: Llama and its relatives.</summary>
internal static class LlamaFamilies
{
    private static readonly ImmutableArray<(string, string)> LlamaDefaults =
    [
        ("hidden_size", "4096"),
        ("intermediate_size", "11008"),
        ("num_hidden_layers", "32"),
        ("num_attention_heads", "32"),
        ("vocab_size", "32000"),
        ("max_position_embeddings", "2048"),
    ];

    private static readonly ImmutableArray<(string, string)> MistralDefaults =
    [
        ("hidden_size", "4096"),
        ("intermediate_size", "14336"),
        ("num_hidden_layers", "32"),
        ("num_attention_heads", "32"),
        ("num_key_value_heads", "8"),
        ("vocab_size", "32000"),
        ("max_position_embeddings", "131072"),
    ];

    public static readonly ImmutableArray<Family> Rows =
    [
        new()
        {
            Types = ["llama", "llava_llama", "Yi", "yi", "aquila", "xverse", "decilm", "solar", "teleflm"],
            Defaults = LlamaDefaults,
        },
        new() { Types = ["llava", "llava_next", "idefics3", "smolvlm", "mllama"], Defaults = LlamaDefaults },
        new() { Types = ["mistral", "ministral", "ministral3", "mistral3", "pixtral"], Defaults = MistralDefaults },
        new() { Types = ["deci", "nemotron-nas", "nemotron_nas"] },
        new() { Types = ["baichuan"] },
        new() { Types = ["internlm", "internlm2", "internlm3"] },
        new() { Types = ["smollm3"] },
        new() { Types = ["granite"] },
        new() { Types = ["minicpm"], IsTiedByDefault = true },
        new()
        {
            Types = ["mimo"],
            HasQkvBias = true,
            HasOutputBias = false,
        },
        new()
        {
            Types = ["seed_oss"],
            HasQkvBias = true,
            HasOutputBias = false,
        },
        new() { Types = ["ernie4_5"], IsTiedByDefault = true },
        new()
        {
            Types = ["hunyuan_v1_dense"],
            QkNorm = QkNorm.PerHead,
            QkNormSwitch = "use_qk_norm",
        },
        new() { Types = ["exaone"], IsTiedByDefault = true },
        new() { Types = ["exaone4"], QkNorm = QkNorm.PerHead },
        new() { Types = ["olmo"], NormVectors = 0 },
        new() { Types = ["olmo2", "olmo3"], QkNorm = QkNorm.Full },
        new()
        {
            Types = ["glm"],
            HasQkvBias = true,
            HasOutputBias = false,
        },
        new()
        {
            Types = ["glm4"],
            HasOutputBias = false,
            NormsPerLayer = 4,
        },
        new()
        {
            Types = ["glm4v", "glm4v_vision"],
            HasQkvBias = true,
            HasOutputBias = false,
            NormsPerLayer = 4,
        },
        new()
        {
            Types = ["chatglm"],
            HasOutputBias = false,
            Adapt = AdaptChatGlm,
        },
        new() { Types = ["orion"], NormVectors = 2 },
        new()
        {
            Types = ["stablelm", "stablelm_epoch", "stablelm_alpha"],
            NormVectors = 2,
            HasOutputBias = false,
            QkNorm = QkNorm.Full,
            QkNormSwitch = "qk_layernorm",
        },
        new()
        {
            Types = ["cohere", "cohere2"],
            NormsPerLayer = 1,
            IsTiedByDefault = true,
            QkNorm = QkNorm.Full,
            QkNormSwitch = "use_qk_norm",
            SlidingPeriod = 4,
        },
        // A squared ReLU or xIELU needs no gate.
        new() { Types = ["arcee"], Feed = FeedStyle.ByActivation },
        new()
        {
            Types = ["nemotron"],
            Feed = FeedStyle.Plain,
            NormVectors = 2,
        },
        new()
        {
            Types = ["apertus"],
            Feed = FeedStyle.Plain,
            QkNorm = QkNorm.PerHead,
            // Two learned numbers of the activation.
            Extra = extra => extra.Weights.Small(extra.AllLayers, 2),
        },
        new()
        {
            Types = ["persimmon", "fuyu"],
            Feed = FeedStyle.Plain,
            HasFeedBias = true,
            HasQkvBias = true,
            NormVectors = 2,
            // Norms of queries and keys have biases.
            Extra = extra => extra.Weights.Small(extra.AllLayers, 4L * extra.Size.HeadDimension),
        },
        new() { Types = ["mistral_params"], Adapt = AdaptParams },
    ];

    /// <summary>Without multi-query attention the number of groups has no meaning.</summary>
    private static void AdaptChatGlm(ConfigFields fields)
    {
        if (!fields.Flag(true, "multi_query_attention"))
        {
            fields.Alias("multi_query_group_num", "num_attention_heads");
        }
    }

    /// <summary>
    /// <c>params.json</c>, the format of Mistral's and Meta's own files. Meta's states how the width is rounded instead
    /// of the width.
    /// </summary>
    private static void AdaptParams(ConfigFields fields)
    {
        if (fields.Nested("moe") is { } moe)
        {
            fields.Set("num_local_experts", moe.Number(1, 65536, "num_experts") ?? 1);
            fields.Set("num_experts_per_tok", moe.Number(1, 65536, "num_experts_per_tok") ?? 2);
            if (moe.Number(1, 1 << 24, "expert_hidden_dim") is { } width)
            {
                fields.Set("moe_intermediate_size", width);
            }
        }

        if (fields.Find("hidden_dim") is null && fields.Number(1, 1 << 20, "dim") is { } hidden)
        {
            var multiple = fields.Number(1, 1 << 20, "multiple_of") ?? 256;
            var factor = Math.Clamp(fields.Real("ffn_dim_multiplier") ?? 1, 0, 64);
            fields.Set("intermediate_size", Divide.Up((long)(factor * (2 * 4 * hidden / 3)), multiple) * multiple);
        }
    }
}

using System.Collections.Immutable;

namespace Scheduler.ModelFit.Families;

/// <summary>All generations of Qwen. Source: transformers <c>models/qwen*</c>; the first one's own code.</summary>
internal static class QwenFamilies
{
    private static readonly ImmutableArray<(string, string)> Defaults =
    [
        ("hidden_size", "4096"),
        ("intermediate_size", "22016"),
        ("num_hidden_layers", "32"),
        ("num_attention_heads", "32"),
        ("vocab_size", "151936"),
        ("max_position_embeddings", "32768"),
        ("use_sliding_window", "false"),
    ];

    private static readonly ImmutableArray<(string, string)> LinearDefaults =
    [
        ("attn_output_gate", "true"),
        ("full_attention_interval", "4"),
        ("linear_conv_kernel_dim", "4"),
        ("linear_key_head_dim", "128"),
        ("linear_value_head_dim", "128"),
        ("linear_num_key_heads", "16"),
        ("linear_num_value_heads", "32"),
        ("head_dim", "256"),
        ("mamba_ssm_dtype", "\"float32\""),
        ("mtp_num_hidden_layers", "1"),
    ];

    public static readonly ImmutableArray<Family> Rows =
    [
        // The config states twice the width of each matrix.
        new()
        {
            Types = ["qwen"],
            HasQkvBias = true,
            HasOutputBias = false,
            Adapt = AdaptFirst,
        },
        new()
        {
            Types =
            [
                "qwen2",
                "qwen2_vl",
                "qwen2_5_vl",
                "qwen2_audio",
                "qwen2_audio_encoder",
                "qwen2_5_omni",
                "llava_onevision",
                "internvl",
                "internvl_chat",
            ],
            HasQkvBias = true,
            HasOutputBias = false,
            Defaults = Defaults,
        },
        new()
        {
            Types = ["qwen2_moe"],
            HasQkvBias = true,
            HasOutputBias = false,
            GatesSharedExpert = true,
            Defaults =
            [
                .. Defaults,
                ("moe_intermediate_size", "1408"),
                ("shared_expert_intermediate_size", "5632"),
                ("num_experts", "60"),
                ("num_experts_per_tok", "4"),
            ],
        },
        new()
        {
            Types = ["qwen3", "qwen3_vl"],
            QkNorm = QkNorm.PerHead,
            Defaults = [.. Defaults, ("head_dim", "128")],
        },
        new()
        {
            Types = ["qwen3_moe", "qwen3_vl_moe", "qwen3_omni_moe", "qwen3_omni_moe_thinker"],
            QkNorm = QkNorm.PerHead,
            Defaults =
            [
                .. Defaults,
                ("head_dim", "128"),
                ("moe_intermediate_size", "768"),
                ("num_experts", "128"),
                ("num_experts_per_tok", "8"),
            ],
        },
        new()
        {
            Types = ["qwen3_next", "qwen3_5_moe"],
            QkNorm = QkNorm.PerHead,
            GatesSharedExpert = true,
            Defaults =
            [
                .. LinearDefaults,
                ("moe_intermediate_size", "512"),
                ("shared_expert_intermediate_size", "512"),
                ("num_experts", "256"),
                ("num_experts_per_tok", "8"),
            ],
        },
        new()
        {
            Types = ["qwen3_5"],
            QkNorm = QkNorm.PerHead,
            Defaults = LinearDefaults,
        },
    ];

    private static void AdaptFirst(ConfigFields fields)
    {
        if (fields.Number(2, 1 << 24, "intermediate_size") is { } both)
        {
            fields.Set("intermediate_size", both / 2);
        }
    }
}

using System.Collections.Immutable;

namespace Scheduler.ModelFit.Families;

/// <summary>Latent attention, and DeepSeek's way of routing.</summary>
internal static class DeepSeekFamilies
{
    private static readonly ImmutableArray<(string, string)> TwoDefaults =
    [
        ("hidden_size", "4096"),
        ("intermediate_size", "11008"),
        ("moe_intermediate_size", "1407"),
        ("num_hidden_layers", "30"),
        ("num_attention_heads", "32"),
        ("vocab_size", "102400"),
        ("kv_lora_rank", "512"),
        ("qk_nope_head_dim", "128"),
        ("qk_rope_head_dim", "64"),
        ("v_head_dim", "128"),
        ("max_position_embeddings", "2048"),
    ];

    private static readonly ImmutableArray<(string, string)> ThreeDefaults =
    [
        ("hidden_size", "7168"),
        ("intermediate_size", "18432"),
        ("moe_intermediate_size", "2048"),
        ("num_hidden_layers", "61"),
        ("num_attention_heads", "128"),
        ("vocab_size", "129280"),
        ("n_routed_experts", "256"),
        ("n_shared_experts", "1"),
        ("num_experts_per_tok", "8"),
        ("first_k_dense_replace", "3"),
        ("kv_lora_rank", "512"),
        ("q_lora_rank", "1536"),
        ("qk_nope_head_dim", "128"),
        ("qk_rope_head_dim", "64"),
        ("v_head_dim", "128"),
        ("max_position_embeddings", "4096"),
    ];

    public static readonly ImmutableArray<Family> Rows =
    [
        new() { Types = ["deepseek"] },
        new() { Types = ["deepseek_v2"], Defaults = TwoDefaults },
        new()
        {
            Types = ["deepseek_v3", "kimi_k2"],
            CorrectsScores = true,
            Defaults = ThreeDefaults,
        },
        new()
        {
            Types = ["deepseek_v32"],
            CorrectsScores = true,
            Defaults = ThreeDefaults,
        },
        new() { Types = ["glm_moe_dsa"], CorrectsScores = true },
        new() { Types = ["glm4_moe_lite"], CorrectsScores = true },
        new() { Types = ["minicpm3"], IsTiedByDefault = true },
        new()
        {
            Types = ["glm4_moe", "glm4v_moe"],
            HasQkvBias = true,
            HasOutputBias = false,
            QkNorm = QkNorm.PerHead,
            QkNormSwitch = "use_qk_norm",
            CorrectsScores = true,
        },
        new()
        {
            Types = ["dots1"],
            QkNorm = QkNorm.PerHead,
            CorrectsScores = true,
        },
    ];
}

using System.Collections.Immutable;

namespace Scheduler.ModelFit.Families;

/// <summary>Mixtures of experts with grouped attention.</summary>
internal static class ExpertFamilies
{
    public static readonly ImmutableArray<Family> Rows =
    [
        new()
        {
            Types = ["mixtral"],
            FeedModule = "block_sparse_moe",
            Defaults = [("num_local_experts", "8")],
        },
        new()
        {
            Types = ["llama4"],
            FeedModule = "feed_forward",
            SharedExperts = 1,
        },
        new() { Types = ["gpt_oss"], HasQkvBias = true },
        new() { Types = ["dbrx"], Adapt = AdaptDbrx },
        new() { Types = ["grok-1", "grok_1", "grok"], NormsPerLayer = 4 },
        new()
        {
            Types = ["arctic"],
            Extra = extra => extra.Weights.Small(Beside(extra), extra.Size.Hidden),
            Adapt = AdaptArctic,
        },
        new() { Types = ["olmoe"], QkNorm = QkNorm.Full },
        new() { Types = ["granitemoe", "granitemoeshared"] },
        new()
        {
            Types = ["ernie4_5_moe", "ernie4_5_vl_moe"],
            IsTiedByDefault = true,
            CorrectsScores = true,
        },
        new()
        {
            Types = ["hunyuan_v1_moe", "hunyuan"],
            QkNorm = QkNorm.PerHead,
            QkNormSwitch = "use_qk_norm",
            IsTiedByDefault = true,
        },
        new() { Types = ["bailing_moe"] },
        new()
        {
            Types = ["bailing_moe_v2"],
            QkNorm = QkNorm.PerHead,
            QkNormSwitch = "use_qk_norm",
            CorrectsScores = true,
        },
        new()
        {
            Types = ["minimax_m2"],
            FeedModule = "block_sparse_moe",
            QkNorm = QkNorm.Full,
            QkNormSwitch = "use_qk_norm",
            CorrectsScores = true,
            Adapt = fields => fields.MarkRead("num_mtp_modules", "mtp_transformer_layers"),
        },
        new() { Types = ["mimo_v2_flash"], CorrectsScores = true },
    ];

    private static Scope Beside(FamilyWeights extra) => Scope.Where(extra.Plan, layer => layer.HasDenseBeside);

    /// <summary>Attention and experts are nested; the widths have names of their own.</summary>
    private static void AdaptDbrx(ConfigFields fields)
    {
        if (fields.Nested("attn_config")?.Number(1, 4096, "kv_n_heads") is { } heads)
        {
            fields.Set("num_key_value_heads", heads);
        }

        if (fields.Nested("ffn_config") is not { } feed)
        {
            return;
        }

        fields.Set("intermediate_size", feed.Number(1, 1 << 24, "ffn_hidden_size") ?? 3584);
        fields.Set("num_local_experts", feed.Number(1, 65536, "moe_num_experts") ?? 4);
        fields.Set("num_experts_per_tok", feed.Number(1, 65536, "moe_top_k") ?? 1);
    }

    /// <summary>The dense block beside the experts is as wide as the model.</summary>
    private static void AdaptArctic(ConfigFields fields)
    {
        if (fields.Flag(false, "parallel_attn_mlp_res") && fields.Number(1, 1 << 20, "hidden_size") is { } hidden)
        {
            fields.Alias("moe_intermediate_size", "intermediate_size");
            fields.Set("intermediate_size_mlp", hidden);
        }

        fields.Alias("moe_layer_interval", "moe_layer_frequency");
    }
}

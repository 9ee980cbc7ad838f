namespace Scheduler.ModelFit;

/// <summary>Weights of attention layers: grouped heads, latent, and cross attention to an image.</summary>
internal static class AttentionWeights
{
    private const int MaxRank = 1 << 17;
    private const int MaxPart = 8192;

    /// <summary>Grouped-query attention; multi-head attention has as many KV heads as heads.</summary>
    public static void AddGrouped(
        WeightBuilder weights,
        Scope scope,
        Dimensions size,
        Family family,
        ConfigFields fields
    )
    {
        var hidden = size.Hidden;
        long queries = (long)size.Heads * size.HeadDimension;
        long keys = (long)size.KvHeads * size.HeadDimension;
        // Qwen3.5 computes a gate for each query.
        var gated = fields.Flag(false, "attn_output_gate") ? 2 : 1;
        weights.Linear(scope, WeightRole.Attention, "self_attn.q_proj", gated * queries, hidden);
        weights.Linear(scope, WeightRole.KeyValue, "self_attn.k_proj", keys, hidden);
        weights.Linear(scope, WeightRole.KeyValue, "self_attn.v_proj", keys, hidden);
        weights.Linear(scope, WeightRole.Attention, "self_attn.o_proj", hidden, queries);
        var small = family.HasQkNorm ? 2L * size.HeadDimension : 0;
        small += family.HasQkvBias ? (gated * queries) + (2 * keys) : 0;
        small += family.HasOutputBias ? hidden : 0;
        // gpt-oss learns one attention sink per head.
        small += family.Type is "gpt_oss" ? size.Heads : 0;
        weights.Small(scope, small);
    }

    /// <summary>Cross attention of Llama 3.2 Vision: grouped attention plus two head norms and two gates.</summary>
    public static void AddCross(WeightBuilder weights, Scope scope, Dimensions size)
    {
        long queries = (long)size.Heads * size.HeadDimension;
        long keys = (long)size.KvHeads * size.HeadDimension;
        weights.Linear(scope, WeightRole.Attention, "cross_attn.q_proj", queries, size.Hidden);
        weights.Linear(scope, WeightRole.KeyValue, "cross_attn.k_proj", keys, size.Hidden);
        weights.Linear(scope, WeightRole.KeyValue, "cross_attn.v_proj", keys, size.Hidden);
        weights.Linear(scope, WeightRole.Attention, "cross_attn.o_proj", size.Hidden, queries);
        weights.Small(scope, (2L * size.HeadDimension) + 2);
    }

    /// <summary>Multi-head latent attention (DeepSeek-V2 onward), with an optional sparse-attention indexer.</summary>
    public static LatentDimensions AddLatent(WeightBuilder weights, Scope scope, Dimensions size, ConfigFields fields)
    {
        var latent = LatentDimensions.Read(fields);
        var hidden = size.Hidden;
        var queryHead = (long)latent.NoPosition + latent.Rope;
        if (latent.QueryRank is { } rank)
        {
            weights.Linear(scope, WeightRole.LatentDown, "self_attn.q_a_proj", rank, hidden);
            weights.Linear(scope, WeightRole.Attention, "self_attn.q_b_proj", size.Heads * queryHead, rank);
        }
        else
        {
            weights.Linear(scope, WeightRole.Attention, "self_attn.q_proj", size.Heads * queryHead, hidden);
        }

        weights.Linear(
            scope,
            WeightRole.LatentDown,
            "self_attn.kv_a_proj_with_mqa",
            (long)latent.KvRank + latent.Rope,
            hidden
        );
        weights.Linear(
            scope,
            WeightRole.Attention,
            "self_attn.kv_b_proj",
            size.Heads * ((long)latent.NoPosition + latent.Value),
            latent.KvRank
        );
        weights.Linear(scope, WeightRole.Attention, "self_attn.o_proj", hidden, (long)size.Heads * latent.Value);
        weights.Small(scope, latent.KvRank + (latent.QueryRank ?? 0));
        AddIndexer(weights, scope, hidden, latent);
        return latent;
    }

    private static void AddIndexer(WeightBuilder weights, Scope scope, long hidden, LatentDimensions latent)
    {
        if (latent.IndexHeads == 0)
        {
            return;
        }

        var width = (long)latent.IndexHeads * latent.IndexDimension;
        weights.Linear(scope, WeightRole.LatentDown, "self_attn.indexer.wq_b", width, latent.QueryRank ?? hidden);
        weights.Linear(scope, WeightRole.LatentDown, "self_attn.indexer.wk", latent.IndexDimension, hidden);
        // A layer norm with bias, and the head weights, which stay at 16 bits.
        weights.Small(scope, (2L * latent.IndexDimension) + (hidden * latent.IndexHeads));
    }

    internal sealed record LatentDimensions(
        int KvRank,
        int? QueryRank,
        int NoPosition,
        int Rope,
        int Value,
        int IndexHeads,
        int IndexDimension
    )
    {
        public static LatentDimensions Read(ConfigFields fields) =>
            new(
                (int)fields.Need(MaxRank, "kv_lora_rank"),
                (int?)fields.Number(1, MaxRank, "q_lora_rank"),
                (int)fields.Need(MaxPart, "qk_nope_head_dim"),
                (int)fields.Need(MaxPart, "qk_rope_head_dim"),
                (int)fields.Need(MaxPart, "v_head_dim"),
                (int)(fields.Number(0, 4096, "index_n_heads") ?? 0),
                (int)(fields.Number(1, MaxPart, "index_head_dim") ?? 1)
            );
    }
}

namespace Scheduler.ModelFit;

/// <summary>Weights of attention layers: grouped heads, latent, and cross attention to an image.</summary>
internal static class AttentionWeights
{
    private const int MaxRank = 1 << 17;
    private const int MaxPart = 8192;

    /// <summary>Grouped-query attention; multi-head attention has as many KV heads as heads.</summary>
    /// <param name="layer">Shape of the scope's layers.</param>
    public static void AddGrouped(
        WeightBuilder weights,
        Scope scope,
        Layer layer,
        Dimensions size,
        Family family,
        ConfigFields fields
    )
    {
        var hidden = size.Hidden;
        var key = layer.Key > 0 ? layer.Key : size.HeadDimension;
        var value = layer.Value > 0 ? layer.Value : key;
        long heads = layer.Heads > 0 ? layer.Heads : size.Heads;
        long kvHeads = layer.KvHeads > 0 ? layer.KvHeads : size.KvHeads;
        var (queries, keys, values) = (heads * key, kvHeads * key, kvHeads * value);
        // Qwen3-Next computes a gate for each query.
        var gated = fields.Flag(false, "attn_output_gate") ? 2 : 1;
        weights.Linear(scope, WeightRole.Attention, "self_attn.q_proj", gated * queries, hidden);
        weights.Linear(scope, WeightRole.Attention, "self_attn.o_proj", hidden, heads * value);
        var bias = family.QkvBias(fields);
        var small = bias ? gated * queries : 0;
        if (!layer.LacksKv)
        {
            weights.Linear(scope, WeightRole.KeyValue, "self_attn.k_proj", keys, hidden);
            weights.Linear(scope, WeightRole.KeyValue, "self_attn.v_proj", layer.ValuesAreKeys ? 0 : values, hidden);
            small += bias ? keys + values : 0;
        }

        var norm = family.Norm(fields);
        small +=
            norm == QkNorm.PerHead ? (layer.LacksKv ? 1L : 2L) * key
            : norm == QkNorm.Full ? queries + keys
            : 0;
        small += family.OutputBias(fields) ? hidden : 0;
        // One learned attention sink per head.
        var hasSinks =
            family.Type is "gpt_oss"
            || (layer.Mixer == Mixer.Sliding && fields.Flag(false, "add_swa_attention_sink_bias"));
        weights.Small(scope, small + (hasSinks ? heads : 0));
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
        var latent = LatentDimensions.Read(fields, size);
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
        AddIndexer(weights, latent.IndexScope(scope), hidden, latent);
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
        /// <summary>Layers that share the choice of an earlier indexer have none.</summary>
        public HashSet<int> WithoutIndexer { get; private init; } = [];

        /// <summary>Whether the config describes latent attention; a rank with heads of width 0 does not.</summary>
        public static bool IsStated(ConfigFields fields) =>
            fields.Find("kv_lora_rank") is not null
            && (
                fields.Find("qk_nope_head_dim") is not { } width
                || !ConfigFields.TryWhole(width, out var nope)
                || nope != 0
            );

        public static LatentDimensions Read(ConfigFields fields, Dimensions size)
        {
            var rope = (int)fields.Need(MaxPart, "qk_rope_head_dim");
            return new(
                (int)fields.Need(MaxRank, "kv_lora_rank"),
                (int?)fields.Number(1, MaxRank, "q_lora_rank"),
                (int)fields.Need(MaxPart, "qk_nope_head_dim"),
                rope,
                (int)(fields.Number(1, MaxPart, "v_head_dim") ?? Math.Max(1, size.Hidden / Math.Max(1, size.Heads))),
                (int)(fields.Number(0, 4096, "index_n_heads") ?? 0),
                (int)(fields.Number(1, MaxPart, "index_head_dim") ?? 1)
            )
            {
                WithoutIndexer = Sharing(fields),
            };
        }

        public Scope IndexScope(Scope scope) =>
            scope with
            {
                Layers = [.. scope.Layers.Where(layer => !WithoutIndexer.Contains(layer))],
            };

        private static HashSet<int> Sharing(ConfigFields fields)
        {
            var sharing = new HashSet<int>();
            if (fields.Find("indexer_types") is { ValueKind: System.Text.Json.JsonValueKind.Array } types)
            {
                var index = 0;
                foreach (var type in types.EnumerateArray())
                {
                    if (type.ValueKind == System.Text.Json.JsonValueKind.String && type.ValueEquals("shared"))
                    {
                        sharing.Add(index);
                    }

                    index++;
                }
            }

            return sharing;
        }
    }
}

namespace Scheduler.ModelFit;

/// <summary>Weights of feed-forward blocks, dense and routed.</summary>
internal static class FeedWeights
{
    private const long MaxWidth = 1 << 24;

    /// <returns>Elements held at once per token: the dense width, or that of all active experts together.</returns>
    public static long Add(
        WeightBuilder weights,
        Scope dense,
        Scope routed,
        Dimensions size,
        Family family,
        ConfigFields fields
    )
    {
        AddBlock(weights, dense, WeightRole.DenseMlp, ModuleOf(family), size.Hidden, size.Intermediate, family, 1);
        if (dense.Layers.Length > 0 && (family.HasBiasEverywhere || fields.Flag(false, "mlp_bias")))
        {
            weights.Small(dense, ((family.FeedMatrices - 1) * size.Intermediate) + size.Hidden);
        }

        var active = dense.Layers.Length > 0 ? size.Intermediate : 0;
        return routed.Layers.Length > 0 ? Math.Max(active, AddExperts(weights, routed, size, family, fields)) : active;
    }

    private static long AddExperts(
        WeightBuilder weights,
        Scope scope,
        Dimensions size,
        Family family,
        ConfigFields fields
    )
    {
        var experts = Math.Max(1, Family.Experts(fields));
        var width =
            fields.Number(1, MaxWidth, "moe_intermediate_size", "expert_intermediate_size")
            ?? fields.Number(1, MaxWidth, "intermediate_size")
            ?? size.Intermediate;
        var module = ModuleOf(family);
        AddBlock(weights, scope, WeightRole.RoutedExpert, module + ".experts.0", size.Hidden, width, family, experts);
        weights.Small(scope, size.Hidden * experts, WeightRole.Router);
        // gpt-oss has biases on router and experts. DeepSeek's loss-free balancing keeps one correction per expert.
        var small = family.Type is "gpt_oss" ? experts + (experts * ((2 * width) + size.Hidden)) : 0;
        small += CorrectsScores(fields) ? experts : 0;
        weights.Small(scope, small);

        var shared = SharedWidth(fields, family, width);
        AddBlock(weights, scope, WeightRole.SharedExpert, module + ".shared_experts", size.Hidden, shared, family, 1);
        // Qwen2-MoE weights its shared expert with one learned row.
        weights.Small(scope, family.Type is "qwen2_moe" or "qwen3_next" or "qwen3_5_moe" ? size.Hidden : 0);
        var chosen =
            fields.Number(1, experts, "num_experts_per_tok", "experts_per_token", "moe_top_k", "num_experts_per_token")
            ?? 1;
        return (chosen * width) + shared;
    }

    private static bool CorrectsScores(ConfigFields fields) => fields.Text("topk_method") is "noaux_tc";

    private static long SharedWidth(ConfigFields fields, Family family, long width)
    {
        if (
            fields.Number(1, MaxWidth, "shared_expert_intermediate_size", "moe_shared_expert_intermediate_size") is
            { } stated
        )
        {
            return stated;
        }

        // Llama 4 always has one shared expert and no field for it.
        var count =
            fields.Number(0, 1024, "n_shared_experts", "num_shared_experts") ?? (family.Type is "llama4" ? 1 : 0);
        return count * width;
    }

    private static void AddBlock(
        WeightBuilder weights,
        Scope scope,
        WeightRole role,
        string module,
        long hidden,
        long width,
        Family family,
        long copies
    )
    {
        weights.Linear(scope, role, module + ".up_proj", width, hidden, copies);
        weights.Linear(scope, role, module + ".down_proj", hidden, width, copies);
        if (family.FeedMatrices == 3)
        {
            weights.Linear(scope, role, module + ".gate_proj", width, hidden, copies);
        }
    }

    private static string ModuleOf(Family family) =>
        family.Type switch
        {
            "llama4" or "jamba" => "feed_forward",
            "mixtral" => "block_sparse_moe",
            "nemotron_h" => "mixer",
            _ => "mlp",
        };
}

namespace Scheduler.ModelFit;

/// <summary>Weights of feed-forward blocks, dense and routed.</summary>
internal static class FeedWeights
{
    private const long MaxWidth = 1 << 24;

    /// <returns>Elements held at once per token: the dense width, or that of all active experts together.</returns>
    public static long AddDense(
        WeightBuilder weights,
        Scope scope,
        long width,
        Dimensions size,
        Family family,
        ConfigFields fields
    )
    {
        if (scope.Layers.Length == 0)
        {
            return 0;
        }

        var inner = width > 0 ? width : size.Intermediate;
        var matrices = family.FeedMatrices(fields);
        AddBlock(weights, scope, WeightRole.DenseMlp, family.FeedModule, (size.Hidden, inner), matrices, 1);
        weights.Small(scope, family.FeedBias(fields) ? ((matrices - 1) * inner) + size.Hidden : 0);
        return inner;
    }

    /// <returns>Elements held at once per token by the chosen experts.</returns>
    public static long AddExperts(
        WeightBuilder weights,
        Scope scope,
        Dimensions size,
        Family family,
        ConfigFields fields
    )
    {
        if (scope.Layers.Length == 0)
        {
            return 0;
        }

        var experts = Math.Max(1, Family.Experts(fields));
        var width = ExpertWidth(fields, size);
        var matrices = family.FeedMatrices(fields);
        // Nemotron-3's experts work in a narrower space.
        var latent = fields.Number(0, MaxWidth, "moe_latent_size") ?? 0;
        var outer = latent > 0 ? latent : size.Hidden;
        var module = family.FeedModule;
        AddBlock(weights, scope, WeightRole.RoutedExpert, module + ".experts.0", (outer, width), matrices, experts);
        if (latent > 0)
        {
            weights.Linear(scope, WeightRole.SharedExpert, module + ".fc1_latent_proj", latent, size.Hidden);
            weights.Linear(scope, WeightRole.SharedExpert, module + ".fc2_latent_proj", size.Hidden, latent);
        }

        weights.Small(scope, size.Hidden * experts, WeightRole.Router);
        // gpt-oss has biases on router and experts.
        var small = family.Type is "gpt_oss" ? experts + (experts * ((2 * width) + size.Hidden)) : 0;
        small += family.CorrectsScores || fields.Text("topk_method") is "noaux_tc" ? experts : 0;
        weights.Small(scope, small);

        var shared = SharedWidth(fields, family, width);
        AddBlock(
            weights,
            scope,
            WeightRole.SharedExpert,
            module + ".shared_experts",
            (size.Hidden, shared),
            matrices,
            1
        );
        weights.Small(scope, family.GatesSharedExpert && shared > 0 ? size.Hidden : 0);
        var chosen =
            fields.Number(
                1,
                experts,
                "num_experts_per_tok",
                "experts_per_token",
                "moe_top_k",
                "moe_topk",
                "moe_k",
                "num_experts_per_token",
                "top_k_experts"
            ) ?? 1;
        return (chosen * width) + shared;
    }

    private static long ExpertWidth(ConfigFields fields, Dimensions size) =>
        fields.Number(
            1,
            MaxWidth,
            "moe_intermediate_size",
            "expert_intermediate_size",
            "expert_ffn_hidden_size",
            "moe_ffn_hidden_size"
        )
        ?? fields.Number(1, MaxWidth, "intermediate_size")
        ?? size.Intermediate;

    private static long SharedWidth(ConfigFields fields, Family family, long width)
    {
        if (
            fields.Number(
                0,
                MaxWidth,
                "shared_expert_intermediate_size",
                "moe_shared_expert_intermediate_size",
                "shared_intermediate_size",
                "share_expert_dim"
            ) is
            { } stated
        )
        {
            return stated;
        }

        var count =
            fields.Number(
                0,
                1024,
                "n_shared_experts",
                "num_shared_experts",
                "num_shared_expert",
                "moe_num_shared_experts"
            ) ?? family.SharedExperts;
        return count * width;
    }

    private static void AddBlock(
        WeightBuilder weights,
        Scope scope,
        WeightRole role,
        string module,
        (long Outer, long Inner) size,
        int matrices,
        long copies
    )
    {
        weights.Linear(scope, role, module + ".up_proj", size.Inner, size.Outer, copies);
        weights.Linear(scope, role, module + ".down_proj", size.Outer, size.Inner, copies, isDown: true);
        if (matrices == 3)
        {
            weights.Linear(scope, role, module + ".gate_proj", size.Inner, size.Outer, copies);
        }
    }
}

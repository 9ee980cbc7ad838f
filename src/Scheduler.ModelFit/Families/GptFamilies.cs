using System.Collections.Immutable;

namespace Scheduler.ModelFit.Families;

/// <summary>Plain blocks with biases: GPT-2 and what came before Llama.</summary>
internal static class GptFamilies
{
    private static readonly Family Base = new()
    {
        Feed = FeedStyle.Plain,
        HasFeedBias = true,
        HasQkvBias = true,
        NormVectors = 2,
    };

    public static readonly ImmutableArray<Family> Rows =
    [
        Base with
        {
            Types = ["gpt2", "gpt_bigcode"],
            IsTiedByDefault = true,
            PositionRows = 0,
        },
        Base with
        {
            Types = ["gpt_neo"],
            IsTiedByDefault = true,
            PositionRows = 0,
            HasQkvBias = false,
            HasOutputBias = true,
        },
        Base with
        {
            Types = ["gpt_neox", "gpt_neox_japanese"],
        },
        Base with
        {
            Types = ["gptj"],
            NormsPerLayer = 1,
            HasQkvBias = false,
            HasHeadBias = true,
        },
        Base with
        {
            Types = ["codegen"],
            NormsPerLayer = 1,
            HasQkvBias = false,
            HasHeadBias = true,
        },
        // OPT has two rows before its first position.
        Base with
        {
            Types = ["opt"],
            IsTiedByDefault = true,
            PositionRows = 2,
            Extra = AddOpt,
        },
        // One norm follows the embeddings.
        Base with
        {
            Types = ["bloom"],
            IsTiedByDefault = true,
            Extra = extra => extra.Weights.Once(WeightRole.Norm, 1, 2 * extra.Size.Hidden),
        },
        Base with
        {
            Types = ["falcon", "RefinedWeb", "RefinedWebModel"],
            IsTiedByDefault = true,
            HasFeedBias = false,
            HasQkvBias = false,
            Adapt = AdaptFalcon,
            Extra = AddFalcon,
            NormsPerLayer = 1,
        },
        new()
        {
            Types = ["mpt"],
            Feed = FeedStyle.Plain,
            IsTiedByDefault = true,
            Adapt = AdaptMpt,
        },
        Base with
        {
            Types = ["starcoder2"],
            IsTiedByDefault = true,
        },
        // SwiGLU with biases; positions are attention biases.
        Base with
        {
            Types = ["jais"],
            Feed = FeedStyle.Gated,
            IsTiedByDefault = true,
        },
    ];

    /// <summary>A narrower embedding is widened and narrowed again.</summary>
    private static void AddOpt(FamilyWeights extra)
    {
        var narrow = extra.Fields.Number(1, 1 << 20, "word_embed_proj_dim") ?? extra.Size.Hidden;
        if (narrow != extra.Size.Hidden)
        {
            extra.Fields.Doubt(
                "word_embed_proj_dim differs from hidden_size; the embeddings are narrower than computed"
            );
        }
    }

    private static void AdaptFalcon(ConfigFields fields)
    {
        if (fields.Flag(true, "multi_query") && !fields.Flag(false, "new_decoder_architecture"))
        {
            fields.Set("num_key_value_heads", 1);
        }
    }

    /// <summary>Newer files have two norms before attention and block; blocks that are not parallel do as well.</summary>
    private static void AddFalcon(FamilyWeights extra)
    {
        var isNew = extra.Fields.Flag(false, "new_decoder_architecture");
        var norms =
            isNew ? (extra.Fields.Number(1, 2, "num_ln_in_parallel_attn") ?? 2)
            : extra.Fields.Flag(true, "parallel_attn") ? 1
            : 2;
        extra.Weights.Small(extra.AllLayers, (norms - 1) * 2 * extra.Size.Hidden);
    }

    private static void AdaptMpt(ConfigFields fields)
    {
        if (fields.Nested("attn_config")?.Number(1, 4096, "kv_n_heads") is { } heads)
        {
            fields.Set("num_key_value_heads", heads);
        }

        var factor = fields.Number(1, 64, "expansion_ratio") ?? 4;
        if (fields.Number(1, 1 << 20, "d_model", "hidden_size") is { } hidden)
        {
            fields.Set("intermediate_size", factor * hidden);
        }
    }
}

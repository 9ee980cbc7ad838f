using System.Collections.Immutable;

namespace Scheduler.ModelFit.Families;

/// <summary>Encoders: no cache and no output head.</summary>
internal static class EncoderFamilies
{
    private static readonly Family Base = new()
    {
        Feed = FeedStyle.Plain,
        HasFeedBias = true,
        HasQkvBias = true,
        NormVectors = 2,
        IsEncoder = true,
        PositionRows = 0,
        Extra = AddTypesAndPooler,
    };

    public static readonly ImmutableArray<Family> Rows =
    [
        Base with
        {
            Types = ["bert", "roberta", "xlm-roberta", "camembert", "electra", "mpnet"],
            Defaults = [("type_vocab_size", "2")],
        },
        Base with
        {
            Types = ["distilbert"],
            Extra = null,
            Adapt = fields => fields.Alias("intermediate_size", "hidden_dim"),
        },
        new()
        {
            Types = ["modernbert"],
            IsEncoder = true,
            Extra = AddModernBert,
        },
        // Gated, with biases on all matrices but gate and up.
        new()
        {
            Types = ["new"],
            IsEncoder = true,
            HasQkvBias = true,
            NormVectors = 2,
            Extra = extra =>
            {
                AddTypes(extra);
                extra.Weights.Small(extra.AllLayers, extra.Size.Hidden);
            },
        },
        new()
        {
            Types = ["nomic_bert"],
            IsEncoder = true,
            NormVectors = 2,
            Extra = AddTypes,
            Adapt = fields => fields.MarkRead("qkv_proj_bias"),
        },
    ];

    private static void AddTypes(FamilyWeights extra) =>
        extra.Weights.Once(
            WeightRole.Position,
            extra.Fields.Number(0, 65536, "type_vocab_size") ?? 0,
            extra.Size.Hidden
        );

    private static void AddTypesAndPooler(FamilyWeights extra)
    {
        AddTypes(extra);
        extra.Weights.Once(WeightRole.Norm, 1, (extra.Size.Hidden * extra.Size.Hidden) + extra.Size.Hidden);
    }

    /// <summary>The first layer has one norm; a norm follows the embeddings; the head has a matrix and a bias.</summary>
    private static void AddModernBert(FamilyWeights extra)
    {
        var hidden = extra.Size.Hidden;
        extra.Weights.Once(WeightRole.Norm, 1, (hidden * hidden) + hidden);
        extra.Weights.Once(WeightRole.Norm, 1, extra.Fields.Flag(true, "decoder_bias") ? extra.Size.Vocabulary : 0);
    }
}

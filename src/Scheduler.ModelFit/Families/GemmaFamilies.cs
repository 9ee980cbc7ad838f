using System.Collections.Immutable;

namespace Scheduler.ModelFit.Families;

/// <summary>Gemma 1 to 4. Source: transformers <c>models/gemma*</c>.</summary>
internal static class GemmaFamilies
{
    public static readonly ImmutableArray<Family> Rows =
    [
        new()
        {
            Types = ["gemma", "paligemma"],
            IsTiedByDefault = true,
            Defaults =
            [
                ("hidden_size", "3072"),
                ("intermediate_size", "24576"),
                ("num_hidden_layers", "28"),
                ("num_attention_heads", "16"),
                ("num_key_value_heads", "16"),
                ("head_dim", "256"),
                ("vocab_size", "256000"),
                ("max_position_embeddings", "8192"),
            ],
        },
        new()
        {
            Types = ["gemma2"],
            IsTiedByDefault = true,
            NormsPerLayer = 4,
            SlidingPeriod = 2,
            Defaults =
            [
                ("hidden_size", "2304"),
                ("intermediate_size", "9216"),
                ("num_hidden_layers", "26"),
                ("num_attention_heads", "8"),
                ("num_key_value_heads", "4"),
                ("head_dim", "256"),
                ("vocab_size", "256000"),
                ("max_position_embeddings", "8192"),
                ("sliding_window", "4096"),
            ],
        },
        new()
        {
            Types = ["gemma3"],
            IsTiedByDefault = true,
            NormsPerLayer = 4,
            QkNorm = QkNorm.PerHead,
            SlidingPeriod = 6,
            Defaults =
            [
                ("hidden_size", "2304"),
                ("intermediate_size", "9216"),
                ("num_hidden_layers", "26"),
                ("num_attention_heads", "8"),
                ("num_key_value_heads", "4"),
                ("head_dim", "256"),
                ("vocab_size", "262208"),
                ("max_position_embeddings", "131072"),
                ("sliding_window", "4096"),
            ],
        },
        new()
        {
            Types = ["gemma3n"],
            IsTiedByDefault = true,
            NormsPerLayer = 4,
            QkNorm = QkNorm.PerHead,
            SlidingPeriod = 5,
            Extra = AddThreeN,
            Defaults =
            [
                ("hidden_size", "2048"),
                ("intermediate_size", "16384"),
                ("num_hidden_layers", "35"),
                ("num_attention_heads", "8"),
                ("num_key_value_heads", "2"),
                ("head_dim", "256"),
                ("vocab_size", "262400"),
                ("max_position_embeddings", "32768"),
                ("sliding_window", "512"),
                ("num_kv_shared_layers", "15"),
                ("laurel_rank", "64"),
                ("altup_num_inputs", "4"),
                ("hidden_size_per_layer_input", "256"),
                ("vocab_size_per_layer_input", "262144"),
            ],
        },
        new()
        {
            Types = ["gemma4"],
            IsTiedByDefault = true,
            NormsPerLayer = 4,
            QkNorm = QkNorm.PerHead,
            SlidingPeriod = 6,
            Extra = AddFour,
            Defaults =
            [
                ("hidden_size", "2304"),
                ("intermediate_size", "9216"),
                ("num_hidden_layers", "30"),
                ("num_attention_heads", "8"),
                ("num_key_value_heads", "4"),
                ("head_dim", "256"),
                ("global_head_dim", "512"),
                ("hidden_size_per_layer_input", "256"),
                ("vocab_size_per_layer_input", "262144"),
                ("vocab_size", "262144"),
                ("max_position_embeddings", "131072"),
                ("sliding_window", "512"),
            ],
        },
    ];

    /// <summary>Alternating updates, low-rank residuals, and embeddings of each layer.</summary>
    private static void AddThreeN(FamilyWeights extra)
    {
        var (fields, size) = (extra.Fields, extra.Size);
        var inputs = fields.Number(1, 64, "altup_num_inputs") ?? 4;
        var rank = fields.Number(1, 65536, "laurel_rank") ?? 64;
        var hidden = size.Hidden;
        AddPerLayerInput(extra);
        extra.Weights.Once(WeightRole.Attention, 2 * (inputs - 1) * hidden, hidden);
        // Two low-rank matrices and their norm.
        extra.Weights.Small(extra.AllLayers, (2 * rank * hidden) + hidden, WeightRole.Attention);
        // Scale, corrections, predictions, router and its norm.
        extra.Weights.Small(
            extra.AllLayers,
            (2 * hidden) + (inputs * inputs) + (inputs * inputs * inputs) + (hidden * inputs)
        );
    }

    /// <summary>Embeddings of each layer, a scalar per layer, and three norms and two scales beside the experts.</summary>
    private static void AddFour(FamilyWeights extra)
    {
        AddPerLayerInput(extra);
        extra.Weights.Small(extra.AllLayers, 1);
        var routed = Scope.Where(extra.Plan, layer => layer.Feed == Feed.Experts);
        extra.Weights.Small(routed, (4 * extra.Size.Hidden) + Family.Experts(extra.Fields));
    }

    private static void AddPerLayerInput(FamilyWeights extra)
    {
        var (fields, size) = (extra.Fields, extra.Size);
        var width = fields.Number(0, 1 << 20, "hidden_size_per_layer_input") ?? 0;
        var rows = fields.Number(0, 1 << 24, "vocab_size_per_layer_input") ?? 0;
        if (width == 0)
        {
            return;
        }

        extra.Weights.Once(WeightRole.Embedding, rows, size.Layers * width);
        extra.Weights.Once(WeightRole.Attention, size.Layers * width, size.Hidden);
        extra.Weights.Once(WeightRole.Norm, 1, width);
        extra.Weights.Small(extra.AllLayers, (2 * width * size.Hidden) + size.Hidden, WeightRole.Attention);
    }
}

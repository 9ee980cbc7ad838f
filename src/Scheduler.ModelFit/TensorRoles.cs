using System.Globalization;

namespace Scheduler.ModelFit;

/// <summary>The role of a tensor by its name in a safetensors file.</summary>
internal static class TensorRoles
{
    private static readonly (WeightRole Role, string[] Signs)[] Table =
    [
        (
            WeightRole.Vision,
            ["vision", "visual", "audio", "multi_modal", "mm_projector", "img_processor", "image_newline", "mlp1."]
        ),
        (WeightRole.LmHead, ["lm_head", "embed_out"]),
        (WeightRole.Position, ["position_embeddings", "embed_positions", ".wpe."]),
        (WeightRole.Norm, ["norm", "ln_", ".bias"]),
        (WeightRole.Router, ["mlp.gate.", "router", "gate.wg", "block_sparse_moe.gate."]),
        (WeightRole.SharedExpert, ["shared_expert", "shared_mlp"]),
        (WeightRole.RoutedExpert, ["experts"]),
        (WeightRole.LatentDown, ["kv_a_proj", "q_a_proj", "indexer"]),
        (WeightRole.KeyValue, ["k_proj", "v_proj"]),
        (WeightRole.StateSpace, ["mamba", "linear_attn", "mixer", "ssm", "conv"]),
        (WeightRole.Attention, ["attn", "attention", "q_proj", "o_proj", "qkv", "Wqkv"]),
        (WeightRole.Embedding, ["embed", "wte", "word_embeddings"]),
        (WeightRole.DenseMlp, ["mlp", "feed_forward", "ffn", "fc1", "fc2"]),
    ];

    /// <param name="layers">Layers of the model; a later one predicts the next-but-one token. 0 when not known.</param>
    public static WeightRole Of(string name, int layers)
    {
        if (name.Contains("mtp.", StringComparison.Ordinal) || (layers > 0 && LayerOf(name) >= layers))
        {
            return WeightRole.NextTokenPrediction;
        }

        foreach (var (role, signs) in Table)
        {
            foreach (var sign in signs)
            {
                if (name.Contains(sign, StringComparison.Ordinal))
                {
                    return role;
                }
            }
        }

        return WeightRole.DenseMlp;
    }

    private static int LayerOf(string name)
    {
        const string before = "model.layers.";
        if (!name.StartsWith(before, StringComparison.Ordinal))
        {
            return -1;
        }

        var end = name.IndexOf('.', before.Length);
        return
            end > 0
            && int.TryParse(
                name.AsSpan(before.Length, end - before.Length),
                CultureInfo.InvariantCulture,
                out var layer
            )
            ? layer
            : -1;
    }
}

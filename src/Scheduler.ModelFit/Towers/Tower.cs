namespace Scheduler.ModelFit.Towers;

/// <summary>A tower's own fields, those of the whole config, its model type, and the language model's size.</summary>
internal sealed record Tower(ConfigFields Own, ConfigFields Fields, string RootType, Dimensions Text)
{
    public const int Max = 1 << 20;

    /// <summary>Joined patches are 64² times as wide, and their square must fit 64 bits.</summary>
    private const int MaxWidth = 1 << 16;

    public long Width(long? otherwise = null) =>
        Need(otherwise, "hidden_size", "embed_dim", "width", "vt_hidden_size", "d_model");

    public long Layers(long? otherwise = null) =>
        Math.Min(
            1024,
            Need(otherwise, "num_hidden_layers", "depth", "layers", "vt_num_hidden_layers", "encoder_layers")
        );

    public long Inner(long width, long? otherwise = null) =>
        Own.Number(1, Max, "intermediate_size", "vt_intermediate_size", "encoder_ffn_dim")
        ?? otherwise
        ?? (long)(Math.Clamp(Own.Real("mlp_ratio") ?? 4, 0, 64) * width);

    public long Patch(long otherwise) => Own.Number(1, 1024, "patch_size", "spatial_patch_size") ?? otherwise;

    /// <summary>Patches of one image.</summary>
    public long Patches(long patch, long otherwise)
    {
        var side = (Own.Number(1, 65536, "image_size") ?? otherwise) / patch;
        return side * side;
    }

    public long Need(long? otherwise, params ReadOnlySpan<string> names) =>
        otherwise is { } value ? Own.Number(1, MaxWidth, names) ?? value : Own.Need(MaxWidth, names);

    /// <summary>Square attention, two matrices, two norms, all with biases.</summary>
    public static long BlockWithBiases(long width, long inner) =>
        (4 * width * width) + (4 * width) + (2 * width * inner) + inner + width + (4 * width);
}

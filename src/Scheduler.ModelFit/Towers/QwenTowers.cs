namespace Scheduler.ModelFit.Towers;

/// <summary>Qwen's towers: joined projections, three-dimensional patches, a merger of 2 × 2 patches.</summary>
internal static class QwenTowers
{
    /// <summary>Qwen2-VL: <c>embed_dim</c> is the width, <c>hidden_size</c> that of the output.</summary>
    public static long Two(Tower tower)
    {
        var width = tower.Need(1280, "embed_dim");
        var output = tower.Need(tower.Text.Hidden, "hidden_size");
        var inner = (long)(Math.Clamp(tower.Own.Real("mlp_ratio") ?? 4, 0, 64) * width);
        var blocks = tower.Layers(32) * Tower.BlockWithBiases(width, inner);
        return blocks + Patches(tower, width, 14) + Merger(tower, width, output, 2 * width);
    }

    /// <summary>Qwen2.5-VL: gated blocks with biases, norms without.</summary>
    public static long TwoFive(Tower tower)
    {
        var width = tower.Width(3584);
        var inner = tower.Inner(width, 3420);
        var block = (4 * width * width) + (4 * width) + (3 * width * inner) + (2 * inner) + width + (2 * width);
        var output = tower.Need(tower.Text.Hidden, "out_hidden_size");
        return (tower.Layers(32) * block) + Patches(tower, width, 14) + Merger(tower, width, output, width);
    }

    /// <summary>Qwen3-VL and Qwen3.5: a position table, and one further merger per tapped layer.</summary>
    public static long Three(Tower tower)
    {
        var width = tower.Width(1152);
        var inner = tower.Inner(width, 4304);
        var output = tower.Need(tower.Text.Hidden, "out_hidden_size");
        var positions = tower.Own.Number(0, Tower.Max, "num_position_embeddings") ?? 2304;
        var taps = tower.Own.Array(64, "deepstack_visual_indexes")?.GetArrayLength() ?? 0;
        var merge = tower.Own.Number(1, 64, "spatial_merge_size") ?? 2;
        var embedding = Patches(tower, width, 16) + width + (positions * width);
        // The norm of a tapped merger covers the joined patches.
        var tapped = taps * Merger(tower, width, output, 2 * merge * merge * width);
        return (tower.Layers(27) * Tower.BlockWithBiases(width, inner))
            + embedding
            + Merger(tower, width, output, 2 * width)
            + tapped;
    }

    private static long Patches(Tower tower, long width, long otherwise)
    {
        var patch = tower.Patch(otherwise);
        var channels = tower.Own.Number(1, 64, "in_channels", "in_chans") ?? 3;
        var frames = tower.Own.Number(1, 64, "temporal_patch_size") ?? 2;
        return channels * frames * patch * patch * width;
    }

    private static long Merger(Tower tower, long width, long output, long norm)
    {
        var merge = tower.Own.Number(1, 64, "spatial_merge_size") ?? 2;
        var wide = width * merge * merge;
        return norm + (wide * wide) + wide + (wide * output) + output;
    }
}

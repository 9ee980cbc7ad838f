namespace Scheduler.ModelFit.Towers;

/// <summary>Towers of Kimi (MoonViT) and GLM-4V.</summary>
internal static class MoonTowers
{
    /// <summary>Blocks with biases, a learned grid of positions, a merger of 2 × 2 patches.</summary>
    public static long Moon(Tower tower)
    {
        var width = tower.Width(1152);
        var patch = tower.Patch(14);
        var height = tower.Own.Number(1, 4096, "init_pos_emb_height") ?? 64;
        var across = tower.Own.Number(1, 4096, "init_pos_emb_width") ?? 64;
        var blocks = tower.Layers(27) * Tower.BlockWithBiases(width, tower.Inner(width, 4304));
        var embedding = (3 * patch * patch * width) + width + (height * across * width);
        var wide = 4 * width;
        var merger = (2 * width) + (wide * wide) + wide + (wide * tower.Text.Hidden) + tower.Text.Hidden;
        return blocks + embedding + (2 * width) + merger;
    }

    /// <summary>Gated blocks without biases; a convolution joins 2 × 2 patches before a gated merger.</summary>
    public static long Glm(Tower tower)
    {
        var own = tower.Own;
        var width = tower.Width(1536);
        var patch = tower.Patch(14);
        var output = own.Number(1, Tower.Max, "out_hidden_size") ?? 4096;
        var merger = own.Number(1, Tower.Max, "intermediate_size") ?? 13696;
        var channels = own.Number(1, 64, "in_channels") ?? 3;
        var frames = own.Number(1, 64, "temporal_patch_size") ?? 2;
        var merge = own.Number(1, 64, "spatial_merge_size") ?? 2;
        var block = (4 * width * width) + (3 * width * output) + (2 * width);
        var embedding = (channels * frames * patch * patch * width) + width + (tower.Patches(patch, 336) * width);
        var joins = (merge * merge * width * output) + output;
        var gated = (output * output) + (2 * output) + (3 * output * merger);
        return (tower.Layers(24) * block) + embedding + (2 * width) + joins + gated;
    }
}

namespace Scheduler.ModelFit.Towers;

/// <summary>Towers of Llama 3.2 Vision and Llama 4.</summary>
internal static class LlamaTowers
{
    /// <summary>Tiles, gated position tables per aspect ratio, local and global layers.</summary>
    public static long Mllama(Tower tower)
    {
        var own = tower.Own;
        var width = tower.Width(1280);
        var layers = tower.Layers(32);
        var inner = tower.Inner(width, 5120);
        var patch = tower.Patch(14);
        var tokens = tower.Patches(patch, 448) + 1;
        var tiles = own.Number(1, 64, "max_num_tiles") ?? 4;
        var global = own.Number(1, 1024, "num_global_layers") ?? 8;
        // One more than the listed ratios: id 0 means no image.
        long ratios = (own.Array(256, "supported_aspect_ratios")?.GetArrayLength() ?? 8) + 1;
        var block = (4 * width * width) + (2 * width * inner) + inner + (5 * width);
        var embedding = ((own.Number(1, 64, "num_channels") ?? 3) * patch * patch * width) + width;
        var positions = (tokens * width) + (ratios * tiles * tokens * width) + 1;
        var tileTables = 2 * ((ratios * tiles * width) + 1);
        var projector =
            ((own.Number(1, Tower.Max, "vision_output_dim") ?? 7680) * tower.Text.Hidden) + tower.Text.Hidden;
        // Each global layer has two gates. One norm precedes all layers and one follows them.
        return embedding + positions + tileTables + (4 * width) + (layers * block) + (global * (block + 2)) + projector;
    }

    /// <summary>A tower with biases, a pixel-shuffle adapter of two matrices, a projector.</summary>
    public static long Llama4(Tower tower)
    {
        var own = tower.Own;
        var width = tower.Width(1408);
        var inner = tower.Inner(width, 5632);
        var patch = tower.Patch(14);
        var adapterIn = own.Number(1, Tower.Max, "projector_input_dim") ?? 4096;
        var adapterOut = own.Number(1, Tower.Max, "projector_output_dim") ?? 4096;
        var embedding = (3 * patch * patch * width) + width + ((tower.Patches(patch, 336) + 1) * width) + (4 * width);
        var adapter = (inner * adapterIn) + (adapterIn * adapterOut);
        var projector = (own.Number(1, Tower.Max, "vision_output_dim") ?? 4096) * tower.Text.Hidden;
        return (tower.Layers(34) * Tower.BlockWithBiases(width, inner)) + embedding + adapter + projector;
    }
}

namespace Scheduler.ModelFit;

/// <summary>Weights of vision towers. All stay at 16 bits: no published scheme quantizes them.</summary>
internal static class VisionWeights
{
    private const int Max = 1 << 20;

    public static void Add(WeightBuilder weights, ConfigFields fields, Dimensions size)
    {
        if (fields.Object("vision_config") is not { } config)
        {
            return;
        }

        var own = ConfigFields.Within(config);
        var parameters = own.Text("model_type") switch
        {
            "mllama_vision_model" => Mllama(own, size),
            "llama4_vision_model" => Llama4(own, size),
            _ when own.Find("depth") is not null => Merged(own, size),
            _ => Plain(own, size),
        };
        if (own.Fault is { } fault)
        {
            fields.Refuse(fault.Kind, "vision_config." + fault.Field, fault.Message);
            return;
        }

        weights.Once(WeightRole.Vision, 1, parameters);
    }

    /// <summary>Qwen's towers: fused projections with biases, a position grid, a merger of 2 × 2 patches.</summary>
    private static long Merged(ConfigFields own, Dimensions size)
    {
        var (width, layers, inner) = Shape(own);
        var channels = own.Number(1, 64, "in_channels", "in_chans") ?? 3;
        var patch = own.Need(1024, "patch_size", "spatial_patch_size");
        var frames = own.Number(1, 64, "temporal_patch_size") ?? 1;
        var positions = own.Number(0, Max, "num_position_embeddings") ?? 0;
        var merge = own.Number(1, 64, "spatial_merge_size") ?? 1;
        var output = own.Number(1, Max, "out_hidden_size") ?? size.Hidden;
        var wide = width * merge * merge;
        var merger = (2 * width) + (wide * wide) + wide + (wide * output) + output;
        var embedding = (channels * frames * patch * patch * width) + width + (positions * width);
        return (layers * BlockWithBiases(width, inner)) + embedding + merger;
    }

    /// <summary>Llama 3.2 Vision: tiles, gated position tables per aspect ratio, local and global layers.</summary>
    private static long Mllama(ConfigFields own, Dimensions size)
    {
        var (width, layers, inner) = Shape(own);
        var patch = own.Need(1024, "patch_size");
        var side = own.Need(65536, "image_size") / patch;
        var tokens = (side * side) + 1;
        var tiles = own.Need(64, "max_num_tiles");
        var global = own.Need(1024, "num_global_layers");
        // One more than the listed ratios: id 0 means no image.
        long ratios = (own.Array(256, "supported_aspect_ratios")?.GetArrayLength() ?? 8) + 1;
        var block = (4 * width * width) + (2 * width * inner) + inner + (5 * width);
        var embedding = ((own.Number(1, 64, "num_channels") ?? 3) * patch * patch * width) + width;
        var positions = (tokens * width) + (ratios * tiles * tokens * width) + 1;
        var tileTables = 2 * ((ratios * tiles * width) + 1);
        var projector = (own.Need(Max, "vision_output_dim") * size.Hidden) + size.Hidden;
        // Each global layer has two gates. One norm precedes all layers and one follows them.
        return embedding + positions + tileTables + (4 * width) + (layers * block) + (global * (block + 2)) + projector;
    }

    /// <summary>Llama 4: a tower with biases, a pixel-shuffle adapter of two matrices, a projector.</summary>
    private static long Llama4(ConfigFields own, Dimensions size)
    {
        var (width, layers, inner) = Shape(own);
        var patch = own.Need(1024, "patch_size");
        var side = own.Need(65536, "image_size") / patch;
        var adapterIn = own.Need(Max, "projector_input_dim");
        var adapterOut = own.Need(Max, "projector_output_dim");
        var embedding = (3 * patch * patch * width) + width + (((side * side) + 1) * width) + (4 * width);
        var adapter = (inner * adapterIn) + (adapterIn * adapterOut);
        var projector = own.Need(Max, "vision_output_dim") * size.Hidden;
        return (layers * BlockWithBiases(width, inner)) + embedding + adapter + projector;
    }

    /// <summary>Other towers: blocks with biases, patches, positions, and a projector of two matrices.</summary>
    private static long Plain(ConfigFields own, Dimensions size)
    {
        var (width, layers, inner) = Shape(own);
        var patch = own.Number(1, 1024, "patch_size") ?? 14;
        var side = (own.Number(1, 65536, "image_size") ?? (64 * patch)) / patch;
        var embedding = (3 * patch * patch * width) + (side * side * width);
        var merged = width * 4;
        var projector = (merged * merged) + (merged * size.Hidden);
        return (layers * BlockWithBiases(width, inner)) + embedding + projector;
    }

    private static (long Width, long Layers, long Inner) Shape(ConfigFields own)
    {
        var width = own.Need(65536, "hidden_size", "vt_hidden_size", "embed_dim", "width");
        var layers = own.Need(1024, "num_hidden_layers", "depth", "vt_num_hidden_layers", "layers");
        return (width, layers, own.Number(1, Max, "intermediate_size", "vt_intermediate_size") ?? (4 * width));
    }

    private static long BlockWithBiases(long width, long inner) =>
        (4 * width * width) + (4 * width) + (2 * width * inner) + inner + width + (4 * width);
}

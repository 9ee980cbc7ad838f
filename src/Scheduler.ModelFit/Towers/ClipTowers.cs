namespace Scheduler.ModelFit.Towers;

/// <summary>Vision transformers of CLIP's kind. Source: transformers <c>models/clip</c>, <c>siglip</c>, <c>pixtral</c>.</summary>
internal static class ClipTowers
{
    /// <summary>CLIP ViT-L/14 at 336 pixels, counted from its class.</summary>
    public const long Large336 = 303_507_456;

    /// <summary>Phi-3-vision: two matrices over four joined patches, and two learned separators.</summary>
    public const long PhiThreeProjector = 22_034_432;

    /// <summary>Towers and adapters of Phi-4-multimodal: the published count less that of Phi-4-mini.</summary>
    public const long PhiFour = 5_574_460_384 - 3_836_021_760;

    public static long Clip(Tower tower)
    {
        var width = tower.Width(768);
        var patch = tower.Patch(32);
        var blocks = tower.Layers(12) * Tower.BlockWithBiases(width, tower.Inner(width, 4 * width));
        // Class token and patches without bias, positions, one norm before and one after the blocks.
        var embedding = width + (3 * patch * patch * width) + ((tower.Patches(patch, 224) + 1) * width);
        return blocks + embedding + (4 * width) + Projector(tower, width);
    }

    public static long Siglip(Tower tower)
    {
        var width = tower.Width(768);
        var patch = tower.Patch(16);
        var blocks = tower.Layers(12) * Tower.BlockWithBiases(width, tower.Inner(width, 3072));
        var embedding = (3 * patch * patch * width) + width + (tower.Patches(patch, 224) * width);
        return blocks + embedding + (2 * width) + Projector(tower, width);
    }

    /// <summary>SigLIP 2 with patches of any number; LFM2-VL joins four before two matrices with a norm.</summary>
    public static long Siglip2(Tower tower)
    {
        var width = tower.Width(768);
        var patch = tower.Patch(16);
        var positions = tower.Own.Number(1, Tower.Max, "num_patches") ?? 256;
        var blocks = tower.Layers(12) * Tower.BlockWithBiases(width, tower.Inner(width, 3072));
        var embedding = (3 * patch * patch * width) + width + (positions * width);
        if (tower.RootType is not ("lfm2_vl" or "lfm2-vl"))
        {
            return blocks + embedding + (2 * width) + Projector(tower, width);
        }

        var factor = tower.Fields.Number(1, 64, "downsample_factor") ?? 2;
        var joined = factor * factor * width;
        var inner = tower.Fields.Number(1, Tower.Max, "projector_hidden_size") ?? 2560;
        var hidden = tower.Text.Hidden;
        return blocks + embedding + (2 * width) + (2 * joined) + (joined * inner) + inner + (inner * hidden) + hidden;
    }

    public static long Pixtral(Tower tower)
    {
        var width = tower.Width(1024);
        var patch = tower.Patch(16);
        var inner = tower.Inner(width, 4096);
        var blocks = tower.Layers(24) * ((4 * width * width) + (3 * width * inner) + (2 * width));
        return blocks + (3 * patch * patch * width) + width + Projector(tower, width);
    }

    /// <summary>InternViT: two learned scales per block; four patches are joined before the projector.</summary>
    public static long InternVit(Tower tower)
    {
        var width = tower.Width(1024);
        var patch = tower.Patch(14);
        var inner = tower.Inner(width, 4096);
        var block = Tower.BlockWithBiases(width, inner) + (2 * width);
        block -= tower.Own.Flag(true, "qkv_bias", "attention_bias") ? 0 : 3 * width;
        block += tower.Own.Flag(false, "qk_normalization", "use_qk_norm") ? 2 * width : 0;
        var embedding = (3 * patch * patch * width) + width + width + ((tower.Patches(patch, 448) + 1) * width);
        var joined = 4 * width;
        var hidden = tower.Text.Hidden;
        return (tower.Layers(24) * block) + embedding + (2 * joined) + TwoLayers(joined, hidden, hasBias: true);
    }

    /// <summary>A tower that no reader knows: blocks with biases, and a projector of two matrices.</summary>
    public static long Generic(Tower tower)
    {
        var width = tower.Width();
        var patch = tower.Patch(14);
        var embedding = (3 * patch * patch * width) + (tower.Patches(patch, 64 * patch) * width);
        var blocks = tower.Layers() * Tower.BlockWithBiases(width, tower.Inner(width));
        return blocks + embedding + TwoLayers(4 * width, tower.Text.Hidden, hasBias: true);
    }

    public static long TwoLayers(long width, long hidden, bool hasBias) =>
        (width * hidden) + (hidden * hidden) + (hasBias ? 2 * hidden : 0);

    private static long Projector(Tower tower, long width)
    {
        var hidden = tower.Text.Hidden;
        var hasBias = tower.Fields.Flag(tower.RootType is not "mistral3", "multimodal_projector_bias");
        var merge = tower.Fields.Number(1, 64, "spatial_merge_size") ?? 2;
        switch (tower.RootType)
        {
            case "gemma3":
                return (width * hidden) + width;
            case "paligemma":
                return (width * hidden) + hidden;
            case "llava" or "vipllava":
                return TwoLayers(width, hidden, hasBias);
            case "llava_next" or "llava_onevision" or "llava_next_video":
                // A learned row ends each line of patches.
                return TwoLayers(width, hidden, hasBias) + hidden;
            case "mistral3":
                return width + (merge * merge * width * width) + TwoLayers(width, hidden, hasBias);
            case "idefics3" or "smolvlm":
                var scale = tower.Fields.Number(1, 64, "scale_factor") ?? 2;
                return scale * scale * width * hidden;
            case "clip_vision_model" or "siglip_vision_model" or "pixtral":
                return 0;
            default:
                tower.Fields.Doubt(
                    "the projector between tower and language model is not known; two matrices are assumed"
                );
                return TwoLayers(width, hidden, hasBias);
        }
    }
}

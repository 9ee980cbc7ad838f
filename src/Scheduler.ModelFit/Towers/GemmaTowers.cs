namespace Scheduler.ModelFit.Towers;

/// <summary>Towers of Gemma 3n and 4.</summary>
internal static class GemmaTowers
{
    /// <summary>
    /// Image and audio tower of Gemma 3n: the published counts of E2B and E4B less those of their language models, which
    /// gives the same number.
    /// </summary>
    public const long ThreeN = 983_281_504;

    /// <summary>
    /// Conformer of Gemma 4: two convolutions, then per layer two wide blocks, attention with relative positions, and a
    /// short convolution.
    /// </summary>
    public static long FourAudio(Tower tower)
    {
        var own = tower.Own;
        var width = tower.Width(1024);
        var (first, second) = Channels(own);
        var output = own.Number(1, Tower.Max, "output_proj_dims") ?? 1536;
        var kernel = own.Number(1, 64, "conv_kernel_size") ?? 5;
        var heads = own.Number(1, 4096, "num_attention_heads") ?? 8;
        var wide = 2 * ((8 * width * width) + (2 * width));
        var attention = (5 * width * width) + (width / heads);
        var convolution = (3 * width * width) + (kernel * width) + (2 * width);
        var layer = wide + attention + convolution + (3 * width);
        var sampling = (9 * first) + first + (9 * first * second) + second + (first / 4 * second * width);
        return (tower.Layers(12) * layer) + sampling + (width * output) + output + (output * tower.Text.Hidden);
    }

    private static (long First, long Second) Channels(ConfigFields own)
    {
        if (
            own.Array(2, "subsampling_conv_channels") is { } list
            && list.GetArrayLength() == 2
            && ConfigFields.TryWhole(list[0], out var first)
            && ConfigFields.TryWhole(list[1], out var second)
        )
        {
            return (Math.Clamp(first, 1, 65536), Math.Clamp(second, 1, 65536));
        }

        return (128, 32);
    }

    /// <summary>Gated blocks with four norms; two tables of positions; one matrix to the language model.</summary>
    public static long Four(Tower tower)
    {
        var own = tower.Own;
        var width = tower.Width(768);
        var inner = tower.Inner(width, 3072);
        var patch = tower.Patch(16);
        var heads = own.Number(1, 4096, "num_attention_heads") ?? 12;
        var kvHeads = own.Number(1, 4096, "num_key_value_heads") ?? heads;
        var head = own.Number(1, 8192, "head_dim") ?? 64;
        var attention = (2 * width * heads * head) + (2 * width * kvHeads * head) + (2 * head);
        var block = attention + (3 * width * inner) + (4 * width);
        var positions = 2 * (own.Number(1, Tower.Max, "position_embedding_size") ?? 10240) * width;
        var standard = own.Flag(false, "standardize") ? 2 * width : 0;
        return (tower.Layers(16) * block)
            + (3 * patch * patch * width)
            + positions
            + standard
            + (width * tower.Text.Hidden);
    }
}

namespace Scheduler.ModelFit.Towers;

/// <summary>Towers of Gemma 3n and 4.</summary>
internal static class GemmaTowers
{
    /// <summary>
    /// Image and audio tower of Gemma 3n: the published counts of E2B and E4B less those of their language models, which
    /// gives the same number.
    /// </summary>
    public const long ThreeN = 983_281_504;

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

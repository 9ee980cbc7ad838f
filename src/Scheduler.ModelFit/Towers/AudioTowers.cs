namespace Scheduler.ModelFit.Towers;

/// <summary>Audio towers: Whisper's encoder and a projector. Source: transformers <c>models/whisper</c>.</summary>
internal static class AudioTowers
{
    public static long Voxtral(Tower tower)
    {
        var width = tower.Width(1280);
        var hidden = tower.Text.Hidden;
        // Four frames are joined; neither matrix has a bias.
        return Encoder(tower, width) + (tower.Inner(width, 5120) * hidden) + (hidden * hidden);
    }

    public static long Qwen(Tower tower)
    {
        var width = tower.Width(1280);
        return Encoder(tower, width) + (width * tower.Text.Hidden) + tower.Text.Hidden;
    }

    /// <summary>Two convolutions, a position table, blocks whose keys have no bias, a norm.</summary>
    public static long Encoder(Tower tower, long width)
    {
        var inner = tower.Inner(width, 5120);
        var mels = tower.Own.Number(1, 4096, "num_mel_bins") ?? 128;
        var positions = tower.Own.Number(1, Tower.Max, "max_source_positions") ?? 1500;
        var convolutions = (3 * mels * width) + width + (3 * width * width) + width;
        var block = Tower.BlockWithBiases(width, inner) - width;
        return convolutions + (positions * width) + (tower.Layers(32) * block) + (2 * width);
    }
}

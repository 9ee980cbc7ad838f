using System.Collections.Immutable;

namespace Scheduler.ModelFit.Families;

/// <summary>State spaces, linear attention and convolutions, alone or mixed with attention.</summary>
internal static class HybridFamilies
{
    private static readonly ImmutableArray<(string, string)> MambaDefaults =
    [
        ("state_size", "16"),
        ("expand", "2"),
        ("conv_kernel", "4"),
        ("vocab_size", "50280"),
    ];

    public static readonly ImmutableArray<Family> Rows =
    [
        new() { Types = ["jamba"], FeedModule = "feed_forward" },
        new()
        {
            Types = ["mamba"],
            IsPureState = true,
            NormsPerLayer = 1,
            IsTiedByDefault = true,
            Defaults = MambaDefaults,
            Adapt = AdaptMamba,
        },
        new()
        {
            Types = ["falcon_mamba"],
            IsPureState = true,
            NormsPerLayer = 1,
            Defaults = MambaDefaults,
            Adapt = AdaptMamba,
        },
        new()
        {
            Types = ["mamba2"],
            IsPureState = true,
            NormsPerLayer = 1,
            Defaults =
            [
                ("state_size", "128"),
                ("expand", "2"),
                ("conv_kernel", "4"),
                ("head_dim", "64"),
                ("n_groups", "8"),
                ("num_heads", "128"),
            ],
            Adapt = fields => fields.MarkRead("expand"),
        },
        new()
        {
            Types = ["nemotron_h"],
            Feed = FeedStyle.Plain,
            NormsPerLayer = 1,
            FeedModule = "mixer",
            Adapt = AdaptNemotronH,
        },
        new()
        {
            Types = ["falcon_h1"],
            Defaults = [("mamba_rms_norm", "false")],
            Adapt = fields => fields.MarkRead("mamba_expand"),
        },
        new() { Types = ["bamba"], Adapt = fields => fields.MarkRead("mamba_expand") },
        new()
        {
            Types = ["granitemoehybrid"],
            IsTiedByDefault = true,
            Adapt = AdaptGranite,
        },
        new()
        {
            Types = ["kimi_linear"],
            CorrectsScores = true,
            FeedModule = "block_sparse_moe",
        },
        new() { Types = ["minimax", "minimax_text_01", "minimax_m1"], FeedModule = "block_sparse_moe" },
        new()
        {
            Types = ["lfm2"],
            QkNorm = QkNorm.PerHead,
            IsTiedByDefault = true,
            Adapt = AdaptLfm2,
        },
        new()
        {
            Types = ["lfm2_moe"],
            QkNorm = QkNorm.PerHead,
            IsTiedByDefault = true,
            CorrectsScores = true,
            Adapt = AdaptLfm2,
        },
    ];

    /// <summary>The inner width is stated twice, once as a factor.</summary>
    private static void AdaptMamba(ConfigFields fields)
    {
        if (
            fields.Find("intermediate_size") is null
            && fields.Number(1, 1 << 20, "hidden_size", "d_model") is { } hidden
            && fields.Number(1, 64, "expand") is { } factor
        )
        {
            fields.Set("intermediate_size", hidden * factor);
        }
    }

    private static void AdaptNemotronH(ConfigFields fields)
    {
        fields.MarkRead("expand", "mtp_hybrid_override_pattern", "mtp_layers_block_type");
        if (
            fields.Find("num_hidden_layers") is null
            && fields.Find("layers_block_type") is { ValueKind: System.Text.Json.JsonValueKind.Array } blocks
        )
        {
            fields.Set("num_hidden_layers", blocks.GetArrayLength());
        }
    }

    /// <summary>Without experts the shared block is the only one; with them their width is intermediate_size.</summary>
    private static void AdaptGranite(ConfigFields fields)
    {
        fields.MarkRead("mamba_expand");
        if (Family.Experts(fields) == 0)
        {
            fields.Alias("intermediate_size", "shared_intermediate_size");
        }
    }

    /// <summary>The block's width is stated before two thirds, a factor and rounding are applied.</summary>
    private static void AdaptLfm2(ConfigFields fields)
    {
        fields.MarkRead("block_dim", "conv_dim", "conv_dim_out");
        if (fields.Number(1, 1 << 24, "block_ff_dim") is not { } width)
        {
            return;
        }

        if (fields.Flag(true, "block_auto_adjust_ff_dim"))
        {
            var multiple = fields.Number(1, 1 << 20, "block_multiple_of") ?? 256;
            var factor = Math.Clamp(fields.Real("block_ffn_dim_multiplier") ?? 1, 0, 64);
            width = Divide.Up((long)(factor * (2 * width / 3)), multiple) * multiple;
        }

        fields.Set("intermediate_size", Math.Max(1, width));
    }
}

using System.Text.Json;

namespace Scheduler.ModelFit;

/// <summary>Families whose config describes every layer as a block of its own.</summary>
internal static class LayerBlocks
{
    /// <summary>Nemotron-H: one character per layer: M state-space, * attention, - feed-forward, E experts.</summary>
    public static void ReadPattern(ConfigFields fields, string pattern, Layer[] plan)
    {
        if (pattern.Length != plan.Length)
        {
            fields.Refuse(
                ModelRefusalKind.BadField,
                "hybrid_override_pattern",
                $"hybrid_override_pattern has {pattern.Length} characters for {plan.Length} layers."
            );
            return;
        }

        for (var i = 0; i < plan.Length; i++)
        {
            plan[i] = pattern[i] switch
            {
                'M' => new(Mixer.Scalar, Feed.None),
                '*' => new(Mixer.Full, Feed.None),
                '-' => new(Mixer.None, Feed.Dense),
                'E' => new(Mixer.None, Feed.Experts),
                _ => new(Mixer.None, Feed.None),
            };
            if (plan[i] is { Mixer: Mixer.None, Feed: Feed.None })
            {
                fields.Refuse(
                    ModelRefusalKind.BadField,
                    "hybrid_override_pattern",
                    "hybrid_override_pattern may hold M, *, - and E."
                );
            }
        }
    }

    /// <summary>The same as a list of names; also Bamba's and Zamba's, whose layers all have a feed-forward block.</summary>
    public static bool ReadNames(ConfigFields fields, Layer[] plan)
    {
        if (
            fields.Find("layers_block_type") is not { ValueKind: JsonValueKind.Array } names
            || names.GetArrayLength() != plan.Length
        )
        {
            return false;
        }

        var blocks = names
            .EnumerateArray()
            .Select(name => name.ValueKind == JsonValueKind.String ? name.GetString() : "")
            .ToArray();
        var isPattern = blocks.Any(block => block is "moe" or "mlp" or "feedforward");
        for (var i = 0; i < plan.Length; i++)
        {
            plan[i] = blocks[i] switch
            {
                "mamba" or "mamba2" => new(Mixer.Scalar, isPattern ? Feed.None : Feed.Dense),
                "attention" => new(Mixer.Full, isPattern ? Feed.None : Feed.Dense),
                "mlp" or "feedforward" => new(Mixer.None, Feed.Dense),
                "moe" => new(Mixer.None, Feed.Experts),
                _ => new(Mixer.Full, Feed.Dense),
            };
            if (blocks[i] is not ("mamba" or "mamba2" or "attention" or "mlp" or "feedforward" or "moe"))
            {
                fields.Doubt("layers_block_type holds a name that is not known; such a layer counts as full attention");
            }
        }

        return true;
    }

    /// <summary>
    /// Nemotron-NAS: the group size of the heads and the width of the block vary by layer; either part may be left out
    /// or replaced by one square matrix.
    /// </summary>
    public static bool ReadBlockConfigs(ConfigFields fields, Dimensions size, Layer[] plan)
    {
        if (
            fields.Find("block_configs") is not { ValueKind: JsonValueKind.Array } blocks
            || blocks.GetArrayLength() != plan.Length
        )
        {
            return false;
        }

        fields.MarkRead("intermediate_size", "num_key_value_heads");
        for (var i = 0; i < plan.Length; i++)
        {
            if (blocks[i].ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            var block = ConfigFields.Within(blocks[i]);
            plan[i] = WithFeed(WithAttention(plan[i], block.Nested("attention"), size), block.Nested("ffn"), size);
        }

        return true;
    }

    private static Layer WithAttention(Layer layer, ConfigFields? attention, Dimensions size)
    {
        if (attention is null)
        {
            return layer;
        }

        if (attention.Flag(false, "replace_with_linear"))
        {
            return layer with { Mixer = Mixer.Linear };
        }

        if (attention.Flag(false, "no_op"))
        {
            return layer with { Mixer = Mixer.None };
        }

        var group = Math.Max(1, attention.Number(1, 4096, "n_heads_in_group") ?? 1);
        var heads = attention.Number(1, 4096, "num_key_value_heads") ?? Math.Max(1, size.Heads / group);
        return layer with { KvHeads = (int)heads };
    }

    private static Layer WithFeed(Layer layer, ConfigFields? feed, Dimensions size)
    {
        if (feed is null)
        {
            return layer;
        }

        if (feed.Flag(false, "replace_with_linear"))
        {
            return layer with { Feed = Feed.Linear };
        }

        if (feed.Flag(false, "no_op"))
        {
            return layer with { Feed = Feed.None };
        }

        // Two thirds of the multiple, rounded up to 256 (the class's rule).
        var width =
            feed.Number(1, 1 << 24, "intermediate_size")
            ?? Divide.Up((long)(2 * Math.Clamp(feed.Real("ffn_mult") ?? 1, 0, 1024) * size.Hidden / 3), 256) * 256;
        return layer with { Width = Math.Max(1, width) };
    }
}

namespace Scheduler.ModelFit;

/// <summary>Heads, widths and shared caches that differ between layers of one model.</summary>
internal static class LayerShapes
{
    private const int MaxHeads = 4096;
    private const int MaxWidth = 8192;

    public static void Read(ConfigFields fields, Layer[] plan)
    {
        ReadGlobal(fields, plan);
        ReadSliding(fields, plan);
        ReadShared(fields, plan);
        ReadWidths(fields, plan);
        var value = (int)(fields.Number(0, MaxWidth, "v_head_dim") ?? 0);
        var isParallel = fields.Find("mamba_d_ssm") is not null;
        for (var i = 0; i < plan.Length; i++)
        {
            plan[i] = plan[i] with
            {
                Value = plan[i].Value == 0 ? value : plan[i].Value,
                HasState = isParallel && plan[i].Attends,
            };
        }
    }

    /// <summary>Gemma 4: full-attention layers have their own heads; one matrix may give keys and values.</summary>
    private static void ReadGlobal(ConfigFields fields, Layer[] plan)
    {
        var width = (int)(fields.Number(0, MaxWidth, "global_head_dim") ?? 0);
        var heads = (int)(fields.Number(0, MaxHeads, "num_global_key_value_heads") ?? 0);
        var areKeys = fields.Flag(false, "attention_k_eq_v");
        for (var i = 0; i < plan.Length && (width > 0 || heads > 0 || areKeys); i++)
        {
            if (plan[i].Mixer == Mixer.Full)
            {
                plan[i] = plan[i] with { Key = width, KvHeads = heads, ValuesAreKeys = areKeys };
            }
        }
    }

    /// <summary>MiMo-V2: layers with a window have their own heads.</summary>
    private static void ReadSliding(ConfigFields fields, Layer[] plan)
    {
        if (fields.Number(1, MaxHeads, "swa_num_key_value_heads") is not { } kvHeads)
        {
            return;
        }

        var heads = (int)(fields.Number(0, MaxHeads, "swa_num_attention_heads") ?? 0);
        var key = (int)(fields.Number(0, MaxWidth, "swa_head_dim") ?? 0);
        var value = (int)(fields.Number(0, MaxWidth, "swa_v_head_dim") ?? 0);
        for (var i = 0; i < plan.Length; i++)
        {
            if (plan[i].Mixer == Mixer.Sliding)
            {
                plan[i] = plan[i] with { Heads = heads, KvHeads = (int)kvHeads, Key = key, Value = value };
            }
        }
    }

    /// <summary>Gemma 3n and 4: the last layers read the cache of an earlier layer.</summary>
    private static void ReadShared(ConfigFields fields, Layer[] plan)
    {
        var shared = (int)Math.Min(fields.Number(0, 4096, "num_kv_shared_layers") ?? 0, plan.Length);
        // Gemma 4 files lack the matrices of sharing layers, Gemma 3n files hold them.
        var lacks = fields.Find("vocab_size_per_layer_input") is not null && fields.Find("laurel_rank") is null;
        var isDouble = fields.Flag(false, "use_double_wide_mlp");
        var width = fields.Number(0, 1 << 24, "intermediate_size") ?? 0;
        for (var i = plan.Length - shared; i < plan.Length; i++)
        {
            plan[i] = plan[i] with { SharesKv = true, LacksKv = lacks, Width = isDouble ? 2 * width : plan[i].Width };
        }
    }

    private static void ReadWidths(ConfigFields fields, Layer[] plan)
    {
        if (fields.PerLayer(plan.Length, "intermediate_size") is not { } widths)
        {
            return;
        }

        for (var i = 0; i < plan.Length; i++)
        {
            plan[i] = plan[i] with { Width = Math.Clamp(widths[i], 1, 1 << 24) };
        }
    }
}

using System.Text.Json;

namespace Scheduler.ModelFit;

/// <summary>
/// Determines the type of each layer of a model. Families describe their layers in many ways; each way has its own
/// function here. Source: the configuration classes of Hugging Face transformers, by <c>model_type</c>.
/// </summary>
internal static class LayerPlan
{
    /// <summary>The layers, first to last; an error is recorded in <paramref name="fields"/>.</summary>
    public static Layer[] Read(ConfigFields fields, Family family, Dimensions size)
    {
        var plan = new Layer[size.Layers];
        System.Array.Fill(plan, new Layer(Mixer.Full, Feed.Dense));
        if (fields.Text("hybrid_override_pattern") is { Length: > 0 } pattern)
        {
            LayerBlocks.ReadPattern(fields, pattern, plan);
            return plan;
        }

        if (LayerBlocks.ReadNames(fields, plan) || LayerBlocks.ReadBlockConfigs(fields, size, plan))
        {
            return plan;
        }

        ReadMixers(fields, family, size, plan);
        ReadFeeds(fields, family, plan);
        LayerShapes.Read(fields, plan);
        return plan;
    }

    private static void ReadMixers(ConfigFields fields, Family family, Dimensions size, Layer[] plan)
    {
        var state = StateMixer(fields, family);
        if (ReadTypes(fields, "layer_types", state, plan) || ReadTypes(fields, "attn_type_list", state, plan))
        {
            return;
        }

        if (AttentionIndices(fields) is { } attending)
        {
            for (var i = 0; i < plan.Length; i++)
            {
                plan[i] = plan[i] with { Mixer = attending.Contains(i) ? Mixer.Full : state };
            }

            return;
        }

        var attention = AttentionMixers(fields, family, size);
        var period = (int)(fields.Number(1, 4096, "attn_layer_period") ?? 1);
        var offset = (int)(fields.Number(0, 4096, "attn_layer_offset") ?? 0);
        var interval = (int)(fields.Number(1, 4096, "full_attention_interval") ?? 1);
        for (var i = 0; i < plan.Length; i++)
        {
            var attends = !family.IsPureState && i % period == offset % period && (i + 1) % interval == 0;
            plan[i] = plan[i] with { Mixer = attends ? attention(i) : state };
        }
    }

    private static Mixer StateMixer(ConfigFields fields, Family family)
    {
        if (fields.Object("linear_attn_config") is not null)
        {
            return Mixer.Kda;
        }

        if (fields.Find("linear_num_value_heads") is not null)
        {
            return Mixer.Delta;
        }

        if (fields.Find("conv_L_cache") is not null)
        {
            return Mixer.Convolution;
        }

        if (family.Type is "minimax" or "minimax_text_01" or "minimax_m1")
        {
            return Mixer.Lightning;
        }

        var isScalar = fields.Find("mamba_num_heads", "mamba_n_heads") is not null || family.Type is "mamba2";
        return isScalar || fields.Find("num_heads") is not null ? Mixer.Scalar : Mixer.Selective;
    }

    /// <summary>A list with one name, or one number (1 attention, 0 state), per layer.</summary>
    private static bool ReadTypes(ConfigFields fields, string name, Mixer state, Layer[] plan)
    {
        if (
            fields.Find(name) is not { ValueKind: JsonValueKind.Array } types
            || types.GetArrayLength() < plan.Length
            || types.GetArrayLength() > 2 * plan.Length
        )
        {
            return false;
        }

        for (var i = 0; i < plan.Length; i++)
        {
            plan[i] = plan[i] with { Mixer = MixerOf(fields, types[i], state) };
        }

        return true;
    }

    private static Mixer MixerOf(ConfigFields fields, JsonElement type, Mixer state)
    {
        if (ConfigFields.TryWhole(type, out var flag))
        {
            return flag != 0 ? Mixer.Full : state;
        }

        switch (type.ValueKind == JsonValueKind.String ? type.GetString() : null)
        {
            case "full_attention"
            or "attention"
            or "global"
            or "global_attention"
            or "hybrid"
            or "sparse_attention"
            or "deepseek_sparse_attention":
                return Mixer.Full;
            case "sliding_attention" or "local" or "local_attention":
                return Mixer.Sliding;
            case "chunked_attention":
                return Mixer.Chunked;
            case "linear_attention" or "mamba" or "mamba2" or "conv" or "recurrent":
                return state;
            default:
                fields.Doubt("layer_types holds a name that is not known; such a layer counts as full attention");
                return Mixer.Full;
        }
    }

    /// <summary>Lists of the layers with attention; the others keep a state. Kimi counts from 1, the rest from 0.</summary>
    private static HashSet<int>? AttentionIndices(ConfigFields fields)
    {
        if (fields.Nested("linear_attn_config") is { } linear && linear.Array(4096, "full_attn_layers") is { } kimi)
        {
            return [.. Indices(kimi).Select(index => index - 1)];
        }

        foreach (var name in (ReadOnlySpan<string>)["full_attn_idxs", "attn_layer_indices"])
        {
            if (fields.Array(4096, name) is { } list)
            {
                return Indices(list);
            }
        }

        return null;
    }

    private static Func<int, Mixer> AttentionMixers(ConfigFields fields, Family family, Dimensions size)
    {
        var layers = size.Layers;
        if (fields.Array(layers, "cross_attention_layers") is { } cross)
        {
            var indices = Indices(cross);
            return i => indices.Contains(i) ? Mixer.Cross : Mixer.Full;
        }

        // MiMo-V2: 1 marks a layer with a sliding window.
        if (fields.PerLayer(layers, "hybrid_layer_pattern") is { } marks)
        {
            fields.MarkRead("attention_chunk_size");
            return i => marks[i] != 0 ? Mixer.Sliding : Mixer.Full;
        }

        if (fields.Find("attention_chunk_size") is not null)
        {
            return ChunkedMixers(fields, layers);
        }

        // Some published configs have a sliding_window together with use_sliding_window: false; the switch takes
        // precedence.
        if (
            family.IgnoresSlidingWindow
            || fields.Find("sliding_window") is null
            || !fields.Flag(true, "use_sliding_window")
            || fields.Number(0, 1 << 30, "sliding_window") >= size.MaxContextTokens
        )
        {
            return _ => Mixer.Full;
        }

        if (fields.Text("sliding_window_pattern") is { Length: > 0 and <= 64 } letters)
        {
            // EXAONE 4: a cycle of letters, L for local and G for global; the last layer is global.
            return i => letters[i % letters.Length] is 'L' && i != layers - 1 ? Mixer.Sliding : Mixer.Full;
        }

        if (((int?)fields.Number(1, 4096, "sliding_window_pattern") ?? family.SlidingPeriod) is { } period)
        {
            // Gemma: the last layer of each period has full attention.
            return i => (i + 1) % period == 0 ? Mixer.Full : Mixer.Sliding;
        }

        // Qwen2: only layers from max_window_layers on have a sliding window. Mistral lacks the field: all layers have
        // one.
        var from = fields.Number(0, 4096, "max_window_layers") ?? 0;
        return i => i >= from ? Mixer.Sliding : Mixer.Full;
    }

    private static Func<int, Mixer> ChunkedMixers(ConfigFields fields, int layers)
    {
        // Llama 4: no_rope_layers holds 1 for a chunked layer and 0 for a full one. When absent or empty, every fourth
        // layer is full.
        if (fields.PerLayer(layers, "no_rope_layers") is { } chunked)
        {
            return i => chunked[i] != 0 ? Mixer.Chunked : Mixer.Full;
        }

        return i => (i + 1) % 4 == 0 ? Mixer.Full : Mixer.Chunked;
    }

    private static void ReadFeeds(ConfigFields fields, Family family, Layer[] plan)
    {
        var experts = Family.Experts(fields) > 1;
        var denseFirst =
            fields.Number(0, 4096, "first_k_dense_replace", "num_dense_layers", "moe_layer_start_index") ?? 0;
        var perLayer = PerLayerExperts(fields, plan.Length);
        var step = perLayer is null ? ExpertStep(fields) : 1;
        var period = fields.Number(1, 4096, "expert_layer_period") ?? 1;
        var offset = fields.Number(0, 4096, "expert_layer_offset") ?? 0;
        var dense = fields.Array(4096, "mlp_only_layers") is { } only ? Indices(only) : [];
        // DeepSeek counts moe_layer_freq from layer 0; Qwen and Llama 4 count their steps from layer 1.
        var shift = fields.Find("moe_layer_freq") is null ? 1 : 0;
        var beside = fields.Flag(false, "parallel_attn_mlp_res", "enable_moe_block");
        for (var i = 0; i < plan.Length; i++)
        {
            var routes =
                experts
                && (perLayer is null ? i >= denseFirst : perLayer[i])
                && (i + shift) % step == 0
                && i % period == offset % period
                && !dense.Contains(i);
            plan[i] = plan[i] with
            {
                Feed =
                    family.IsPureState ? Feed.None
                    : routes ? Feed.Experts
                    : Feed.Dense,
                HasDenseBeside = routes && beside,
            };
        }
    }

    private static long ExpertStep(ConfigFields fields) =>
        fields.Number(
            1,
            4096,
            "decoder_sparse_step",
            "interleave_moe_layer_step",
            "moe_layer_freq",
            "moe_layer_interval"
        ) ?? 1;

    /// <summary>Some configs list the layers with experts: 1 and 0, or "sparse" and "dense".</summary>
    private static bool[]? PerLayerExperts(ConfigFields fields, int layers)
    {
        if (
            fields.Find("mlp_layer_types") is { ValueKind: JsonValueKind.Array } names
            && names.GetArrayLength() == layers
        )
        {
            return
            [
                .. names
                    .EnumerateArray()
                    .Select(name => name.ValueKind == JsonValueKind.String && name.ValueEquals("sparse")),
            ];
        }

        return fields.Find("moe_layer_freq") is { ValueKind: JsonValueKind.Array }
            ? fields.PerLayer(layers, "moe_layer_freq")?.Select(flag => flag != 0).ToArray()
            : null;
    }

    private static HashSet<int> Indices(JsonElement list)
    {
        var indices = new HashSet<int>();
        foreach (var entry in list.EnumerateArray())
        {
            if (ConfigFields.TryWhole(entry, out var index) && index is >= 0 and < 4096)
            {
                indices.Add((int)index);
            }
        }

        return indices;
    }
}

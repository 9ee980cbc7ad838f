using System.Runtime.InteropServices;
using System.Text.Json;

namespace Scheduler.ModelFit;

/// <summary>
/// Determines the type of each layer of a model. Families describe their layers in many ways; each way has its own
/// function here. Source: the configuration classes of Hugging Face transformers, by <c>model_type</c>.
/// </summary>
internal static class LayerPlan
{
    /// <summary>The layers, first to last; an error is recorded in <paramref name="fields"/>.</summary>
    public static Layer[] Read(ConfigFields fields, Family family, int layers)
    {
        var plan = new Layer[layers];
        if (fields.Text("hybrid_override_pattern") is { Length: > 0 } pattern)
        {
            ReadPattern(fields, pattern, plan);
            return plan;
        }

        ReadMixers(fields, family, plan);
        ReadFeeds(fields, family, plan);
        return plan;
    }

    /// <summary>Nemotron-H: one character per layer: M state-space, * attention, - feed-forward, E experts.</summary>
    private static void ReadPattern(ConfigFields fields, string pattern, Layer[] plan)
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
                _ => default,
            };
            if (plan[i] == default)
            {
                fields.Refuse(
                    ModelRefusalKind.BadField,
                    "hybrid_override_pattern",
                    "hybrid_override_pattern may hold M, *, - and E."
                );
            }
        }
    }

    private static void ReadMixers(ConfigFields fields, Family family, Layer[] plan)
    {
        var state = StateMixer(fields);
        if (fields.Array(plan.Length, "layer_types") is { } types && types.GetArrayLength() == plan.Length)
        {
            var index = 0;
            foreach (var type in types.EnumerateArray())
            {
                plan[index++] = new(MixerOf(fields, type, state), Feed.None);
            }

            return;
        }

        var attention = AttentionMixers(fields, family, plan.Length);
        var period = (int)(fields.Number(1, 4096, "attn_layer_period") ?? 1);
        var offset = (int)(fields.Number(0, 4096, "attn_layer_offset") ?? 0);
        var interval = (int)(fields.Number(1, 4096, "full_attention_interval") ?? 1);
        for (var i = 0; i < plan.Length; i++)
        {
            var attends = family.HasAttention && i % period == offset % period && (i + 1) % interval == 0;
            plan[i] = new(attends ? attention(i) : state, Feed.None);
        }
    }

    private static Mixer StateMixer(ConfigFields fields)
    {
        if (fields.Find("linear_num_value_heads") is not null)
        {
            return Mixer.Delta;
        }

        return fields.Find("mamba_num_heads", "mamba_n_heads", "num_heads") is not null
            ? Mixer.Scalar
            : Mixer.Selective;
    }

    private static Mixer MixerOf(ConfigFields fields, JsonElement type, Mixer state)
    {
        switch (type.ValueKind == JsonValueKind.String ? type.GetString() : null)
        {
            case "full_attention" or "attention" or "global":
                return Mixer.Full;
            case "sliding_attention" or "local":
                return Mixer.Sliding;
            case "chunked_attention":
                return Mixer.Chunked;
            case "linear_attention" or "mamba" or "mamba2":
                return state;
            default:
                fields.Refuse(
                    ModelRefusalKind.Unsupported,
                    "layer_types",
                    "layer_types may hold full_attention, sliding_attention, chunked_attention, linear_attention and mamba."
                );
                return Mixer.Full;
        }
    }

    private static Func<int, Mixer> AttentionMixers(ConfigFields fields, Family family, int layers)
    {
        if (fields.Array(layers, "cross_attention_layers") is { } cross)
        {
            var indices = Indices(cross);
            return i => indices.Contains(i) ? Mixer.Cross : Mixer.Full;
        }

        if (fields.Find("attention_chunk_size") is not null)
        {
            return ChunkedMixers(fields, layers);
        }

        // Some published configs have a sliding_window together with use_sliding_window: false; the switch takes
        // precedence.
        if (fields.Find("sliding_window") is null || !fields.Flag(true, "use_sliding_window"))
        {
            return _ => Mixer.Full;
        }

        if (family.SlidingPeriod(fields) is { } period)
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
        if (fields.Array(layers, "no_rope_layers") is { } flags && flags.GetArrayLength() == layers)
        {
            var chunked = flags
                .EnumerateArray()
                .Select(flag => ConfigFields.TryWhole(flag, out var v) && v != 0)
                .ToArray();
            return i => chunked[i] ? Mixer.Chunked : Mixer.Full;
        }

        return i => (i + 1) % 4 == 0 ? Mixer.Full : Mixer.Chunked;
    }

    private static void ReadFeeds(ConfigFields fields, Family family, Layer[] plan)
    {
        var pure = family.IsPureState;
        var experts = Family.Experts(fields) > 1;
        var denseFirst = fields.Number(0, 4096, "first_k_dense_replace") ?? 0;
        var perLayer = PerLayerExperts(fields, plan.Length);
        var step = perLayer is null ? ExpertStep(fields) : 1;
        var period = fields.Number(1, 4096, "expert_layer_period") ?? 1;
        var offset = fields.Number(0, 4096, "expert_layer_offset") ?? 0;
        var dense = fields.Array(4096, "mlp_only_layers") is { } only ? Indices(only) : [];
        // DeepSeek counts moe_layer_freq from layer 0; Qwen and Llama 4 count their steps from layer 1.
        var shift = fields.Find("moe_layer_freq") is null ? 1 : 0;
        for (var i = 0; i < plan.Length; i++)
        {
            var routes =
                experts
                && (perLayer is null || perLayer[i])
                && i >= denseFirst
                && (i + shift) % step == 0
                && i % period == offset % period
                && !dense.Contains(i);
            plan[i] = plan[i] with
            {
                Feed =
                    pure ? Feed.None
                    : routes ? Feed.Experts
                    : Feed.Dense,
            };
        }
    }

    private static long ExpertStep(ConfigFields fields) =>
        fields.Number(1, 4096, "decoder_sparse_step", "interleave_moe_layer_step", "moe_layer_freq") ?? 1;

    /// <summary>Some configs state moe_layer_freq as a list: 1 for a layer with experts, 0 for a dense one.</summary>
    private static bool[]? PerLayerExperts(ConfigFields fields, int layers)
    {
        if (
            fields.Find("moe_layer_freq") is not { ValueKind: JsonValueKind.Array } list
            || list.GetArrayLength() != layers
        )
        {
            return null;
        }

        return [.. list.EnumerateArray().Select(flag => ConfigFields.TryWhole(flag, out var value) && value != 0)];
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

internal enum Mixer
{
    None,
    Full,
    Sliding,
    Chunked,
    Cross,
    Selective,
    Scalar,
    Delta,
}

/// <summary>How a layer processes each token separately.</summary>
internal enum Feed
{
    None,
    Dense,
    Experts,
}

[StructLayout(LayoutKind.Auto)]
internal readonly record struct Layer(Mixer Mixer, Feed Feed);

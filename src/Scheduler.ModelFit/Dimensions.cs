using System.Globalization;

namespace Scheduler.ModelFit;

/// <summary>
/// Dimensions that every family has, under its own field names. The upper bounds are at least ten times those of any
/// published model.
/// </summary>
internal sealed record Dimensions
{
    private const long MaxWidth = 1 << 20;
    private const long MaxVocabulary = 1 << 24;
    private const int MaxLayers = 1024;
    private const int MaxHeads = 4096;
    private const int MaxHeadDimension = 8192;
    private const long MaxContext = 1L << 30;

    /// <summary>Width of the residual stream.</summary>
    public long Hidden { get; private init; }

    public int Layers { get; private init; }

    public long Vocabulary { get; private init; }

    /// <summary>Query heads; 0 without attention.</summary>
    public int Heads { get; private init; }

    /// <summary>KV heads; 0 without attention.</summary>
    public int KvHeads { get; private init; }

    public int HeadDimension { get; private init; }

    public long Intermediate { get; private init; }

    /// <summary>Tokens, or null when the config does not state it.</summary>
    public long? MaxContextTokens { get; private init; }

    public static Dimensions Read(ConfigFields fields, Family family)
    {
        var hidden = fields.Need(MaxWidth, "hidden_size", "n_embd", "d_model", "dim", "model_dim");
        var heads = HasAttention(fields, family)
            ? (int)fields.Need(MaxHeads, "num_attention_heads", "n_head", "n_heads", "num_heads")
            : 0;
        var oneKvHead = fields.Flag(false, "multi_query") && !fields.Flag(false, "new_decoder_architecture");
        var kvHeads =
            (int?)
                fields.Number(
                    1,
                    MaxHeads,
                    "num_key_value_heads",
                    "n_head_kv",
                    "num_kv_heads",
                    "n_kv_heads",
                    "multi_query_group_num",
                    "num_attention_groups"
                )
            ?? (oneKvHead ? 1 : heads);
        return new Dimensions
        {
            Hidden = hidden,
            Layers = (int)fields.Need(MaxLayers, "num_hidden_layers", "n_layer", "n_layers", "num_layers"),
            Vocabulary = fields.Need(MaxVocabulary, "vocab_size", "padded_vocab_size"),
            Heads = heads,
            KvHeads = heads > 0 ? ReadKvHeads(fields, heads, kvHeads) : 0,
            HeadDimension = heads > 0 ? ReadHeadDimension(fields, hidden, heads) : 0,
            Intermediate = ReadIntermediate(fields, family, hidden),
            MaxContextTokens = ContextLimit.Read(fields, MaxContext),
        };
    }

    private static bool HasAttention(ConfigFields fields, Family family) =>
        !family.IsPureState
        && (
            fields.Find("num_attention_heads", "n_head", "n_heads", "num_heads") is not null
            || fields.Find("state_size", "mamba_d_state", "ssm_state_size") is null
        );

    private static int ReadKvHeads(ConfigFields fields, int heads, int kvHeads)
    {
        if (kvHeads > heads || heads % kvHeads != 0)
        {
            fields.Refuse(
                ModelRefusalKind.BadField,
                "num_key_value_heads",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"num_key_value_heads {kvHeads} does not divide num_attention_heads {heads}."
                )
            );
        }

        return kvHeads;
    }

    private static int ReadHeadDimension(ConfigFields fields, long hidden, int heads)
    {
        if (fields.Number(1, MaxHeadDimension, "head_dim", "attention_head_dim", "kv_channels") is { } stated)
        {
            return (int)stated;
        }

        // Latent attention has its own dimensions, so the heads need not divide the hidden size.
        if (hidden % heads != 0 && fields.Find("kv_lora_rank") is null)
        {
            fields.Refuse(
                ModelRefusalKind.BadField,
                "num_attention_heads",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"num_attention_heads {heads} does not divide hidden_size {hidden}, and head_dim is absent."
                )
            );
        }

        return (int)(hidden / heads);
    }

    private static long ReadIntermediate(ConfigFields fields, Family family, long hidden)
    {
        // Llama 4 names the width of dense blocks separately from that of experts.
        if (fields.Number(1, MaxVocabulary, "intermediate_size_mlp") is { } dense)
        {
            return dense;
        }

        ReadOnlySpan<string> names =
        [
            "intermediate_size",
            "n_inner",
            "ffn_dim",
            "ffn_hidden_size",
            "d_ff",
            "hidden_dim",
            "dense_intermediate_size",
        ];
        if (fields.Number(1, MaxVocabulary, names) is { } width)
        {
            return width;
        }

        // Models whose every layer has experts state only the experts' width.
        if (
            Family.Experts(fields) > 1
            && fields.Number(1, MaxVocabulary, "moe_intermediate_size", "expert_intermediate_size") is { } expert
        )
        {
            return expert;
        }

        // GPT-2's default is four times the width. Gated blocks have no such default, so the field is required there.
        var isOptional =
            family.FeedMatrices(fields) == 2
            || family.IsPureState
            || fields.Find("block_configs", "hybrid_override_pattern", "layers_block_type") is not null;
        return isOptional ? 4 * hidden : fields.Need(MaxVocabulary, names);
    }
}

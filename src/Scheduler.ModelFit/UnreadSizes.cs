using System.Collections.Frozen;
using System.Text.Json;

namespace Scheduler.ModelFit;

/// <summary>
/// Finds fields that carry sizes and that nothing has read: experts, ranks, widths, layer layouts, towers. Their model
/// may be larger than computed.
/// </summary>
internal static class UnreadSizes
{
    private static readonly string[] Signs =
    [
        "expert",
        "rank",
        "latent",
        "_dim",
        "hidden",
        "intermediate",
        "heads",
        "layers",
        "width",
        "mamba",
        "ssm",
        "conv",
        "mtp",
        "_blocks",
        "ffn",
        "moe",
    ];

    /// <summary>Fields whose names look like sizes and that change no weight.</summary>
    private static readonly FrozenSet<string> Harmless = new[]
    {
        "num_experts_per_tok",
        "router_aux_loss_coef",
        "chunk_size",
        "chunk_size_feed_forward",
        "mamba_chunk_size",
        "head_dim_ratio",
        "qk_head_dim",
        "rotary_dim",
        "rope_dim",
        "ep_size",
        "local_window_size",
        "window_size",
        "sliding_window_size",
        "vocab_size",
        "pad_vocab_size_multiple",
        "max_window_layers",
        "type_vocab_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "hidden_size",
        "head_dim",
        "intermediate_size",
        "dim_model_base",
        "num_logits_to_keep",
        "num_expert_group",
        "num_experts_per_token",
        "n_expert_group",
        "n_group",
        "moe_renormalize",
        "moe_loss_weight",
        "moe_router_scaling_factor",
        "moe_router_topk_scaling_factor",
        "routed_scaling_factor",
        "norm_topk_prob",
        "interleave_moe_layer_step",
        "num_beam_groups",
        "image_size",
        "patch_size",
        "image_token_index",
        "vision_feature_layer",
        "first_k_dense_replace",
        "max_batch_size",
        "expert_layer_period",
        "expert_layer_offset",
        "moe_layer_freq",
        "num_dense_layers",
        "mm_hidden_size",
        "projection_dim",
        "attention_chunk_size",
        "num_image_tokens",
        "block_size",
        "sliding_window",
        "mamba_expand",
        "mamba_proj_bias",
        "mamba_conv_bias",
        "mamba_norm_before_gate",
        "use_mamba_kernels",
        "moe_layers",
        "num_local_experts",
        "n_shared_experts",
        "embd_layer",
        "expand",
        "blocksparse_block_size",
        "blocksparse_vert_stride",
        "blocksparse_num_local_blocks",
        "blocksparse_triton_kernel_block_size",
        "pad_sequence_to_multiple_of_64",
        "dense_attention_every_n_layers",
        "global_attn_every_n_layers",
        "conv_dim",
        "conv_dim_out",
        "partial_rotary_factor",
        "num_mtp_modules",
        "moe_routed_scaling_factor",
        "vocab_size_per_layer_input",
        "original_max_position_embeddings",
        "attn_window_size",
        "topk_group",
        "router_jitter_noise",
        "tokenizer_vocab_size",
        "n_kv_heads",
        "time_step_rank",
        "mup_width_multiplier",
        "num_reward_heads",
        "moe_capacity",
        "moe_layer_end_index",
        "moe_router_num_group",
        "projector_hidden_size",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Records a doubt for each such field.</summary>
    public static void Doubt(ConfigFields fields)
    {
        Doubt(fields, fields.TextPart);
        if (fields.HasTextPart)
        {
            Doubt(fields, fields.Root);
        }
    }

    private static void Doubt(ConfigFields fields, JsonElement part)
    {
        foreach (var field in part.EnumerateObject())
        {
            if (!fields.HasRead(field.Name) && !Harmless.Contains(field.Name) && CarriesSize(field))
            {
                fields.Doubt($"{Shown(field.Name)} carries a size that is not read");
            }
        }
    }

    private static bool CarriesSize(JsonProperty field)
    {
        if (field.Value.ValueKind == JsonValueKind.Object)
        {
            // A tower or a part of its own: an object with widths inside.
            return field.Name is not ("text_config" or "llm_config" or "language_config" or "thinker_config")
                && (
                    field.Name.EndsWith("_config", StringComparison.Ordinal)
                    || field.Name is "vision_encoder" or "visual"
                )
                && field
                    .Value.EnumerateObject()
                    .Any(inner => inner.Name is "hidden_size" or "num_hidden_layers" or "depth" or "width");
        }

        return HasSign(field.Name)
            && (
                (ConfigFields.TryWhole(field.Value, out var value) && value > 1)
                || (
                    field.Value.ValueKind == JsonValueKind.Array
                    && field.Value.GetArrayLength() > 1
                    && ConfigFields.TryWhole(field.Value[0], out _)
                )
            );
    }

    private static bool HasSign(string name) =>
        !name.EndsWith("_id", StringComparison.Ordinal)
        && !name.EndsWith("_index", StringComparison.Ordinal)
        && Signs.Any(sign => name.Contains(sign, StringComparison.Ordinal));

    private static string Shown(string name) =>
        new([
            .. name.Take(64).Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-' ? letter : '?'),
        ]);
}

namespace Scheduler.ModelFit;

/// <summary>Weights and per-sequence state of layers without attention.</summary>
internal static class StateWeights
{
    private const int Max = 1 << 20;

    /// <summary>Mamba (Jamba, Falcon-Mamba): a selective scan over channels.</summary>
    /// <returns>Bytes of state per sequence and layer.</returns>
    public static long AddSelective(
        WeightBuilder weights,
        Scope scope,
        Dimensions size,
        Family family,
        ConfigFields fields
    )
    {
        var hidden = size.Hidden;
        // Falcon-Mamba states its inner width and has a meaningless expand (16); hybrids state only expand.
        var stated = family.IsPureState ? fields.Number(1, Max, "intermediate_size") : null;
        var inner = stated ?? (hidden * fields.Need(64, "mamba_expand", "expand"));
        var states = fields.Need(65536, "mamba_d_state", "state_size");
        var kernel = fields.Need(64, "mamba_d_conv", "conv_kernel");
        var rank = fields.Number(1, Max, "mamba_dt_rank", "time_step_rank") ?? Divide.Up(hidden, 16);
        weights.Linear(scope, WeightRole.StateSpace, "mamba.in_proj", 2 * inner, hidden);
        weights.Linear(scope, WeightRole.StateSpace, "mamba.x_proj", rank + (2 * states), inner);
        weights.Linear(scope, WeightRole.StateSpace, "mamba.dt_proj", inner, rank);
        weights.Linear(scope, WeightRole.StateSpace, "mamba.out_proj", hidden, inner);
        var bias = fields.Flag(true, "mamba_conv_bias", "use_conv_bias") ? inner : 0;
        // The kernel, its bias, the time step's bias, A, and D.
        weights.Small(scope, (inner * kernel) + bias + inner + (inner * states) + inner, WeightRole.StateSpace);
        // Jamba normalises time step, B and C.
        weights.Small(scope, family.Type is "jamba" ? rank + (2 * states) : 0);
        return StateBytes(fields, inner * (kernel - 1), inner * states);
    }

    /// <summary>Mamba-2 (Nemotron-H): heads with one decay each.</summary>
    /// <returns>Bytes of state per sequence and layer.</returns>
    public static long AddScalar(WeightBuilder weights, Scope scope, Dimensions size, ConfigFields fields)
    {
        var heads = fields.Need(65536, "mamba_num_heads", "mamba_n_heads", "num_heads");
        var headDimension = fields.Need(65536, "mamba_head_dim", "mamba_d_head", "head_dim");
        var groups = fields.Number(1, 65536, "n_groups", "mamba_n_groups", "mamba_ngroups") ?? 1;
        var states = fields.Need(65536, "ssm_state_size", "mamba_d_state", "state_size");
        var kernel = fields.Need(64, "conv_kernel", "mamba_d_conv");
        // Falcon-H1 states the width of the block itself.
        var inner = fields.Number(1, Max, "mamba_d_ssm") ?? (heads * headDimension);
        var channels = inner + (2 * groups * states);
        weights.Linear(scope, WeightRole.StateSpace, "mixer.in_proj", inner + channels + heads, size.Hidden);
        weights.Linear(scope, WeightRole.StateSpace, "mixer.out_proj", size.Hidden, inner);
        var bias = fields.Flag(true, "use_conv_bias", "mamba_conv_bias") ? channels : 0;
        // The kernel and its bias; A, D and the time step's bias per head; the gated norm.
        weights.Small(scope, (channels * kernel) + bias + (3 * heads));
        weights.Small(scope, fields.Flag(true, "mamba_rms_norm", "rms_norm") ? inner : 0);
        return StateBytes(fields, channels * (kernel - 1), inner * states);
    }

    /// <summary>Gated delta rule (Qwen3-Next, Qwen3.5).</summary>
    /// <returns>Bytes of state per sequence and layer.</returns>
    public static long AddDelta(WeightBuilder weights, Scope scope, Dimensions size, ConfigFields fields)
    {
        var valueHeads = fields.Need(65536, "linear_num_value_heads");
        var keyDimension = fields.Need(65536, "linear_key_head_dim");
        var valueDimension = fields.Need(65536, "linear_value_head_dim");
        var kernel = fields.Need(64, "linear_conv_kernel_dim");
        var keys = fields.Need(65536, "linear_num_key_heads") * keyDimension;
        var values = valueHeads * valueDimension;
        var channels = (2 * keys) + values;
        weights.Linear(scope, WeightRole.StateSpace, "linear_attn.in_proj_qkv", channels, size.Hidden);
        weights.Linear(scope, WeightRole.StateSpace, "linear_attn.in_proj_z", values, size.Hidden);
        weights.Linear(scope, WeightRole.StateSpace, "linear_attn.out_proj", size.Hidden, values);
        // The projections of decay and step are small and stay at 16 bits. Decay and its bias are per head; plus the
        // gated norm.
        weights.Small(scope, 2 * valueHeads * size.Hidden);
        weights.Small(scope, (channels * kernel) + (2 * valueHeads) + valueDimension);
        return StateBytes(fields, channels * (kernel - 1), values * keyDimension);
    }

    /// <summary>Kimi delta attention: low-rank gates, a decay per channel, one convolution per projection.</summary>
    /// <returns>Bytes of state per sequence and layer.</returns>
    public static long AddKda(WeightBuilder weights, Scope scope, Dimensions size, ConfigFields fields)
    {
        if (fields.Nested("linear_attn_config") is not { } own)
        {
            return 0;
        }

        var heads = own.Need(65536, "num_heads");
        var head = own.Need(65536, "head_dim");
        var kernel = own.Need(64, "short_conv_kernel_size");
        var width = heads * head;
        // Kimi K3 has a whole matrix for the output gate.
        var isFullRank = own.Flag(false, "use_full_rank_gate");
        foreach (var name in (ReadOnlySpan<string>)["q_proj", "k_proj", "v_proj"])
        {
            weights.Linear(scope, WeightRole.StateSpace, "self_attn." + name, width, size.Hidden);
        }

        weights.Linear(scope, WeightRole.StateSpace, "self_attn.o_proj", size.Hidden, width);
        var lowRank = (size.Hidden * head) + (head * width);
        weights.Small(
            scope,
            lowRank + (isFullRank ? size.Hidden * width : lowRank) + (size.Hidden * heads),
            WeightRole.StateSpace
        );
        // Convolutions, step bias, decay per head, norm.
        weights.Small(scope, (3 * width * kernel) + width + heads + head);
        if (own.Fault is { } fault)
        {
            fields.Refuse(fault.Kind, "linear_attn_config." + fault.Field, fault.Message);
        }

        return StateBytes(fields, 3 * width * (kernel - 1), width * head);
    }

    /// <summary>Lightning attention (MiniMax-Text-01): an output gate and a norm; a square state per head.</summary>
    /// <returns>Bytes of state per sequence and layer; 32-bit.</returns>
    public static long AddLightning(WeightBuilder weights, Scope scope, Dimensions size)
    {
        var width = (long)size.Heads * size.HeadDimension;
        weights.Linear(scope, WeightRole.StateSpace, "self_attn.qkv_proj", 3 * width, size.Hidden);
        weights.Linear(scope, WeightRole.StateSpace, "self_attn.output_gate", width, size.Hidden);
        weights.Linear(scope, WeightRole.StateSpace, "self_attn.out_proj", size.Hidden, width);
        weights.Small(scope, width);
        return 4 * width * size.HeadDimension;
    }

    /// <summary>Short convolution with two gates (LFM2).</summary>
    /// <returns>Bytes of state per sequence and layer; 16-bit.</returns>
    public static long AddConvolution(WeightBuilder weights, Scope scope, Dimensions size, ConfigFields fields)
    {
        var kernel = fields.Need(64, "conv_L_cache");
        weights.Linear(scope, WeightRole.StateSpace, "conv.in_proj", 3 * size.Hidden, size.Hidden);
        weights.Linear(scope, WeightRole.StateSpace, "conv.out_proj", size.Hidden, size.Hidden);
        var bias = fields.Flag(false, "conv_bias") ? 5 * size.Hidden : 0;
        weights.Small(scope, (size.Hidden * kernel) + bias);
        return 2 * size.Hidden * (kernel - 1);
    }

    /// <summary>
    /// The convolution's window is 16-bit. The state is 32-bit if the config requests it, otherwise 16-bit (vLLM's
    /// <c>auto</c>).
    /// </summary>
    private static long StateBytes(ConfigFields fields, long window, long state)
    {
        var wide = fields.Text("mamba_ssm_cache_dtype", "mamba_ssm_dtype") is "float32";
        return (2 * window) + ((wide ? 4 : 2) * state);
    }
}

using Scheduler.ModelFit;

namespace Scheduler.Fuzz.Targets;

/// <summary>
/// <see cref="HfConfig"/>. A zero byte separates <c>config.json</c> from <c>hf_quant_config.json</c>. Facts that were
/// read must also be judged without an exception.
/// </summary>
internal sealed class ConfigTarget : FuzzTarget
{
    public override string Name => "config";

    public override int MaxLength => 1024;

    /// <summary>
    /// 1,024 layers, each with a name per matrix (about 100 bytes), and the automata of 32 expressions of 256
    /// characters.
    /// </summary>
    public override long AllocationBase => 8L << 20;

    public override long AllocationPerByte => 64;

    public override Structure Structure => Structure.Json;

    public override byte[][] Dictionary { get; } =
        Tokens(
            "\"model_type\"",
            "\"text_config\"",
            "\"vision_config\"",
            "\"hidden_size\"",
            "\"num_hidden_layers\"",
            "\"num_attention_heads\"",
            "\"num_key_value_heads\"",
            "\"head_dim\"",
            "\"kv_lora_rank\"",
            "\"intermediate_size\"",
            "\"vocab_size\"",
            "\"layer_types\"",
            "\"sliding_window\"",
            "\"quantization_config\"",
            "\"quant_method\"",
            "\"modules_to_not_convert\"",
            "\"ignore\"",
            "\"num_experts\"",
            "\"n_routed_experts\"",
            "\"moe_layer_freq\"",
            "\"num_nextn_predict_layers\"",
            "\"hybrid_override_pattern\"",
            "\"state_size\"",
            "\"mamba_d_state\"",
            "\"linear_num_value_heads\"",
            "\"full_attention\"",
            "\"linear_attention\"",
            "\"compressed-tensors\"",
            "\"awq\"",
            "\"fp8\"",
            "\"modelopt\"",
            "\"re:.*\"",
            "\"re:(a|b)*c{9}\"",
            "\"*.mlp.*\"",
            "\"gpt2\"",
            "\"bert\"",
            "\"llama4_vision_model\"",
            "\"mllama_vision_model\"",
            "\"\\ud800\"",
            "\"\"",
            "null",
            "true",
            "false",
            "-1",
            "0",
            "1",
            "2",
            "32",
            "4096",
            "65536",
            "1048576",
            "16777216",
            "1e300",
            "99999999999999999999",
            "0.5",
            "[]",
            "{}",
            "[1,0]",
            "Infinity",
            "-Infinity",
            "NaN"
        );

    public override Outcome Execute(ReadOnlyMemory<byte> input)
    {
        var bytes = input.Span;
        var zero = bytes.IndexOf((byte)0);
        var reading =
            zero < 0 ? HfConfig.Parse("fuzz", bytes) : HfConfig.Parse("fuzz", bytes[..zero], bytes[(zero + 1)..]);
        return ModelChecks.Check(reading, input.Length, "vllm");
    }
}

using System.Text;

namespace Scheduler.DomainTests.Compatibility;

/// <summary>Writes GGUF headers for tests.</summary>
internal sealed class GgufBytes
{
    private readonly List<byte> _pairs = [];
    private readonly List<byte> _tensors = [];
    private ulong _pairCount;
    private ulong _tensorCount;

    public uint Version { get; init; } = 3;

    public GgufBytes Text(string key, string value)
    {
        Key(key, 8);
        Write(_pairs, value);
        return this;
    }

    public GgufBytes Number(string key, uint value)
    {
        Key(key, 4);
        _pairs.AddRange(BitConverter.GetBytes(value));
        return this;
    }

    public GgufBytes Texts(string key, int count)
    {
        Key(key, 9);
        _pairs.AddRange(BitConverter.GetBytes(8u));
        _pairs.AddRange(BitConverter.GetBytes((ulong)count));
        for (var i = 0; i < count; i++)
        {
            Write(_pairs, "t");
        }

        return this;
    }

    public GgufBytes Tensor(string name, uint type, params ulong[] lengths)
    {
        _tensorCount++;
        Write(_tensors, name);
        _tensors.AddRange(BitConverter.GetBytes((uint)lengths.Length));
        foreach (var length in lengths)
        {
            _tensors.AddRange(BitConverter.GetBytes(length));
        }

        _tensors.AddRange(BitConverter.GetBytes(type));
        _tensors.AddRange(BitConverter.GetBytes(0UL));
        return this;
    }

    public byte[] Build() =>
        [
            .. "GGUF"u8,
            .. BitConverter.GetBytes(Version),
            .. BitConverter.GetBytes(_tensorCount),
            .. BitConverter.GetBytes(_pairCount),
            .. _pairs,
            .. _tensors,
        ];

    /// <summary>A small llama: two layers, grouped attention, Q4_K linears, a Q6_K head.</summary>
    public static GgufBytes SmallLlama()
    {
        var file = new GgufBytes()
            .Text("general.architecture", "llama")
            .Text("general.name", "small")
            .Number("llama.block_count", 2)
            .Number("llama.context_length", 4096)
            .Number("llama.embedding_length", 256)
            .Number("llama.feed_forward_length", 512)
            .Number("llama.attention.head_count", 8)
            .Number("llama.attention.head_count_kv", 2)
            .Texts("tokenizer.ggml.tokens", 64)
            .Tensor("token_embd.weight", 12, 256, 64)
            .Tensor("output.weight", 14, 256, 64)
            .Tensor("output_norm.weight", 0, 256);
        for (var layer = 0; layer < 2; layer++)
        {
            file.Tensor($"blk.{layer}.attn_q.weight", 12, 256, 256)
                .Tensor($"blk.{layer}.attn_k.weight", 12, 256, 64)
                .Tensor($"blk.{layer}.attn_v.weight", 12, 256, 64)
                .Tensor($"blk.{layer}.attn_output.weight", 12, 256, 256)
                .Tensor($"blk.{layer}.ffn_gate.weight", 12, 256, 512)
                .Tensor($"blk.{layer}.ffn_up.weight", 12, 256, 512)
                .Tensor($"blk.{layer}.ffn_down.weight", 12, 512, 256)
                .Tensor($"blk.{layer}.attn_norm.weight", 0, 256)
                .Tensor($"blk.{layer}.ffn_norm.weight", 0, 256);
        }

        return file;
    }

    /// <summary>gpt-oss-120b as llama.cpp#15253 lists it: 433 F32, 146 Q8_0 and 108 MXFP4 tensors.</summary>
    public static GgufBytes GptOss120B()
    {
        var file = new GgufBytes()
            .Text("general.architecture", "gpt-oss")
            .Number("gpt-oss.block_count", 36)
            .Number("gpt-oss.context_length", 131_072)
            .Number("gpt-oss.embedding_length", 2880)
            .Number("gpt-oss.feed_forward_length", 2880)
            .Number("gpt-oss.expert_feed_forward_length", 2880)
            .Number("gpt-oss.expert_used_count", 4)
            .Number("gpt-oss.attention.head_count", 64)
            .Number("gpt-oss.attention.head_count_kv", 8)
            .Number("gpt-oss.attention.key_length", 64)
            .Number("gpt-oss.attention.value_length", 64)
            .Number("gpt-oss.attention.sliding_window", 128)
            .Texts("tokenizer.ggml.tokens", 201_088)
            .Tensor("token_embd.weight", 8, 2880, 201_088)
            .Tensor("output.weight", 8, 2880, 201_088)
            .Tensor("output_norm.weight", 0, 2880);
        for (var layer = 0; layer < 36; layer++)
        {
            file.Tensor($"blk.{layer}.attn_q.weight", 8, 2880, 4096)
                .Tensor($"blk.{layer}.attn_k.weight", 8, 2880, 512)
                .Tensor($"blk.{layer}.attn_v.weight", 8, 2880, 512)
                .Tensor($"blk.{layer}.attn_output.weight", 8, 4096, 2880)
                .Tensor($"blk.{layer}.attn_q.bias", 0, 4096)
                .Tensor($"blk.{layer}.attn_k.bias", 0, 512)
                .Tensor($"blk.{layer}.attn_v.bias", 0, 512)
                .Tensor($"blk.{layer}.attn_output.bias", 0, 2880)
                .Tensor($"blk.{layer}.attn_sinks.weight", 0, 64)
                .Tensor($"blk.{layer}.attn_norm.weight", 0, 2880)
                .Tensor($"blk.{layer}.post_attention_norm.weight", 0, 2880)
                .Tensor($"blk.{layer}.ffn_gate_inp.weight", 0, 2880, 128)
                .Tensor($"blk.{layer}.ffn_gate_inp.bias", 0, 128)
                .Tensor($"blk.{layer}.ffn_gate_exps.weight", 39, 2880, 2880, 128)
                .Tensor($"blk.{layer}.ffn_up_exps.weight", 39, 2880, 2880, 128)
                .Tensor($"blk.{layer}.ffn_down_exps.weight", 39, 2880, 2880, 128)
                .Tensor($"blk.{layer}.ffn_gate_exps.bias", 0, 2880, 128)
                .Tensor($"blk.{layer}.ffn_up_exps.bias", 0, 2880, 128)
                .Tensor($"blk.{layer}.ffn_down_exps.bias", 0, 2880, 128);
        }

        return file;
    }

    private void Key(string key, uint type)
    {
        _pairCount++;
        Write(_pairs, key);
        _pairs.AddRange(BitConverter.GetBytes(type));
    }

    private static void Write(List<byte> to, string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        to.AddRange(BitConverter.GetBytes((ulong)utf8.Length));
        to.AddRange(utf8);
    }
}

using Scheduler.ModelFit;

namespace Scheduler.Fuzz.Targets;

/// <summary><see cref="GgufHeader"/> with its reader, metadata and shape.</summary>
internal sealed class GgufTarget : FuzzTarget
{
    public override string Name => "gguf";

    public override int MaxLength => 2048;

    public override long AllocationBase => 65_536;

    /// <summary>A byte of an array becomes a kept number of 8 bytes, and its list doubles as it grows.</summary>
    public override long AllocationPerByte => 64;

    public override Structure Structure => Structure.Gguf;

    public override byte[][] Dictionary { get; } =
        Tokens(
            "GGUF",
            "general.architecture",
            "llama",
            "llama.",
            "bert",
            "gemma3",
            "block_count",
            "embedding_length",
            "attention.head_count",
            "attention.head_count_kv",
            "attention.kv_lora_rank",
            "attention.sliding_window_pattern",
            "ssm.inner_size",
            "tokenizer.ggml.tokens",
            "token_embd",
            "output.",
            "_exps",
            ".bias",
            "\u0003\0\0\0",
            "\u0008\0\0\0",
            "\u0009\0\0\0",
            "\u0001\0\0\0\0\0\0\0",
            "\0\0\0\0\0\0\0\0"
        );

    public override Outcome Execute(ReadOnlyMemory<byte> input) =>
        ModelChecks.Check(GgufHeader.Parse("fuzz", input.Span), input.Length, "llama-server");
}

namespace Scheduler.Domain.Compatibility;

/// <summary>How an engine spends VRAM. Two kinds are told apart; a custom preset is judged as the first.</summary>
/// <remarks>
/// <para>
/// vLLM-like: takes 0.90 of the memory (its <c>--gpu-memory-utilization</c> default), splits each layer over all GPUs, runs one profile
/// batch to size activations, gives the rest to KV blocks of 16 tokens.
/// </para>
/// <para>llama.cpp-like: takes what it needs, splits whole layers over GPUs, computes 512 tokens at a time, pads caches to 256 cells.</para>
/// </remarks>
internal sealed record EngineProfile
{
    private const long MiB = 1L << 20;

    /// <summary>Judged as vLLM.</summary>
    public static readonly EngineProfile Vllm = new()
    {
        UsablePerMille = 900,
        BlockTokens = 16,
        // Logged on vllm#10517: 0.35 GiB outside PyTorch. CUDA graphs of newer versions add 0.6 to 0.7 GiB; some models capture more.
        OverheadLow = 350 * MiB,
        OverheadExpected = 1000 * MiB,
        OverheadHigh = 1500 * MiB,
    };

    /// <summary>Judged as llama.cpp with flash attention, its default.</summary>
    public static readonly EngineProfile Llama = new()
    {
        UsablePerMille = 1000,
        BlockTokens = 256,
        SplitsLayers = true,
        // CUDA context and cuBLAS: 0.3 to 0.9 GiB by GPU generation.
        OverheadLow = 300 * MiB,
        OverheadExpected = 500 * MiB,
        OverheadHigh = 900 * MiB,
    };

    /// <summary>llama.cpp without flash attention: scores of all heads are held in full. Only to check against old logs.</summary>
    public static readonly EngineProfile LlamaWithoutFlashAttention = Llama with { HoldsScores = true };

    /// <summary>Memory the driver keeps from every process: vllm#10517 saw 23.58 of an RTX 3090's 24.00 GiB.</summary>
    public const long DriverReserveBytes = 430 * MiB;

    /// <summary>Tokens llama.cpp computes at a time (its <c>--ubatch-size</c> default).</summary>
    public const long MicroBatchTokens = 512;

    /// <summary>Smallest profile batch: vLLM's default with chunked prefill.</summary>
    public const long BatchTokensLow = 2048;

    /// <summary>Profile batch vLLM takes on large GPUs.</summary>
    public const long BatchTokensExpected = 8192;

    /// <summary>Largest profile batch: without chunked prefill, vLLM profiles a whole context up to this.</summary>
    public const long BatchTokensHigh = 32768;

    /// <summary>Share of the memory the engine takes, in thousandths.</summary>
    public long UsablePerMille { get; private init; }

    /// <summary>Tokens in one block of cache.</summary>
    public long BlockTokens { get; private init; }

    /// <summary>Whether GPUs get whole layers instead of a part of each.</summary>
    public bool SplitsLayers { get; private init; }

    /// <summary>Whether attention scores are held in full.</summary>
    public bool HoldsScores { get; private init; }

    /// <summary>Runtime overhead of one GPU at least, bytes.</summary>
    public long OverheadLow { get; private init; }

    /// <summary>Runtime overhead of one GPU most likely, bytes.</summary>
    public long OverheadExpected { get; private init; }

    /// <summary>Runtime overhead of one GPU at most, bytes.</summary>
    public long OverheadHigh { get; private init; }

    /// <summary>The profile of a runtime preset.</summary>
    public static EngineProfile Of(string preset) =>
        preset is "llama-server" or "llama.cpp" or "llama-cpp" or "ollama" ? Llama : Vllm;

    /// <summary>What the engine may use of one GPU, bytes.</summary>
    public long Usable(long vramBytes) => Math.Max(0, vramBytes - DriverReserveBytes) / 1000 * UsablePerMille;

    /// <summary>The least memory of one GPU of which <paramref name="neededBytes"/> are usable: <see cref="Usable"/> turned round.</summary>
    public long VramFor(long neededBytes) => DriverReserveBytes + (Divide.Up(neededBytes, UsablePerMille) * 1000);
}

namespace Scheduler.ModelFit;

/// <summary>How an engine uses VRAM. There are two kinds; an unknown engine is judged as vLLM.</summary>
/// <remarks>
/// <para>
/// vLLM-like: uses 0.90 of the memory (its <c>--gpu-memory-utilization</c> default) and splits each layer over all
/// GPUs. It runs one profile batch to size activations, and uses the rest for KV blocks of 16 tokens.
/// </para>
/// <para>
/// llama.cpp-like: uses as much as it needs, splits whole layers over GPUs, computes 512 tokens at a time, pads caches
/// to 256 cells.
/// </para>
/// </remarks>
internal sealed record EngineProfile
{
    private const long MiB = 1L << 20;

    public static readonly EngineProfile Vllm = new()
    {
        UsablePerMille = 900,
        BlockTokens = 16,
        // Logged on vllm#10517: 0.35 GiB outside PyTorch. CUDA graphs of newer versions add 0.6 to 0.7 GiB; some models
        // capture more.
        OverheadLow = 350 * MiB,
        OverheadExpected = 1000 * MiB,
        OverheadHigh = 1500 * MiB,
    };

    /// <summary>
    /// SGLang: weights and cache get <c>--mem-fraction-static</c>, by default about 0.88 of the memory, and activations
    /// the rest (<c>server_args.py</c>). The estimate counts activations too, so it errs on the safe side.
    /// </summary>
    public static readonly EngineProfile Sglang = Vllm with { UsablePerMille = 880 };

    /// <summary>
    /// text-embeddings-inference: takes what it needs, keeps no cache, and runs on one GPU. Its batch has 16,384 tokens
    /// (<c>--max-batch-tokens</c>).
    /// </summary>
    public static readonly EngineProfile Embeddings = Vllm with { UsablePerMille = 1000, MostGpus = 1 };

    /// <summary>llama.cpp with flash attention, its default.</summary>
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

    /// <summary>llama.cpp without flash attention; keeps all scores. Used only to check against old logs.</summary>
    public static readonly EngineProfile LlamaWithoutFlashAttention = Llama with { HoldsScores = true };

    /// <summary>Memory that the driver reserves: vllm#10517 reports 23.58 of an RTX 3090's 24.00 GiB.</summary>
    public const long DriverReserveBytes = 430 * MiB;

    /// <summary>Tokens that llama.cpp computes at a time (its <c>--ubatch-size</c> default).</summary>
    public const long MicroBatchTokens = 512;

    /// <summary>Smallest profile batch: vLLM's default with chunked prefill.</summary>
    public const long BatchTokensLow = 2048;

    /// <summary>Profile batch that vLLM uses on large GPUs.</summary>
    public const long BatchTokensExpected = 8192;

    /// <summary>Largest profile batch: vLLM without chunked prefill profiles a whole context up to it.</summary>
    public const long BatchTokensHigh = 32768;

    /// <summary>Share of the GPU memory that the engine uses, in thousandths.</summary>
    public long UsablePerMille { get; private init; }

    public long BlockTokens { get; private init; }

    /// <summary>Most GPUs over which the engine splits a model.</summary>
    public int MostGpus { get; private init; } = ModelFootprint.MaxGpus;

    /// <summary>Whether whole layers are distributed over the GPUs; otherwise each layer is split.</summary>
    public bool SplitsLayers { get; private init; }

    public bool HoldsScores { get; private init; }

    public long OverheadLow { get; private init; }

    public long OverheadExpected { get; private init; }

    public long OverheadHigh { get; private init; }

    /// <param name="engine">Name of an engine, or of a preset without one.</param>
    public static EngineProfile Of(string engine) =>
        engine switch
        {
            "llama-server" or "llama.cpp" or "llama-cpp" or "ollama" => Llama,
            "sglang" => Sglang,
            "tei" => Embeddings,
            _ => Vllm,
        };

    /// <summary>The profile with the share of memory that the plan states.</summary>
    public static EngineProfile Of(LaunchPlan plan) =>
        plan.MemoryPerMille is { } share
            ? Of(plan.EnginePreset) with
            {
                UsablePerMille = share,
            }
            : Of(plan.EnginePreset);

    public long Usable(long vramBytes) => Math.Max(0, vramBytes - DriverReserveBytes) / 1000 * UsablePerMille;

    /// <summary>Inverse of <see cref="Usable"/>: the smallest GPU memory, bytes.</summary>
    public long VramFor(long neededBytes) => DriverReserveBytes + (Divide.Up(neededBytes, UsablePerMille) * 1000);
}

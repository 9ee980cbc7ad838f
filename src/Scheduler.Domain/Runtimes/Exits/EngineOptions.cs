namespace Scheduler.Domain.Runtimes.Exits;

/// <summary>The options of one engine that hints name; each is a part of a sentence.</summary>
internal sealed record EngineOptions
{
    private static readonly EngineOptions Vllm = new()
    {
        Activations = "With vLLM, a lower --max-num-batched-tokens or --enforce-eager also saves memory.",
        Cache = "With vLLM, a higher --gpu-memory-utilization or --kv-cache-dtype fp8 gives the cache more room.",
        Share = "pass a lower --gpu-memory-utilization in runtime_arguments",
        Host = ", or pass a lower --swap-space to vLLM",
        Context = "--max-model-len of vLLM",
        Quantization = " (--quantization)",
    };

    private static readonly EngineOptions Sglang = new()
    {
        Activations =
            "With SGLang, a lower --chunked-prefill-size, --cuda-graph-max-bs or --mem-fraction-static saves memory.",
        Cache = "With SGLang, a higher --mem-fraction-static or --kv-cache-dtype fp8_e5m2 gives the cache more room.",
        Share = "pass a lower --mem-fraction-static in runtime_arguments",
        Host = ", or pass a lower --hicache-ratio to SGLang",
        Context = "--context-length of SGLang",
        Quantization = " (--quantization)",
    };

    private static readonly EngineOptions Tgi = new()
    {
        Activations = "With TGI, a lower --max-batch-prefill-tokens saves memory.",
        Cache = "With TGI, lower --max-batch-prefill-tokens and --max-total-tokens.",
        Share = "pass a lower --cuda-memory-fraction in runtime_arguments",
        Context = "--max-total-tokens of TGI",
        Quantization = " (--quantize)",
    };

    private static readonly EngineOptions TensorRt = new()
    {
        Activations = "With TensorRT-LLM, lower --max_num_tokens or --max_batch_size.",
        Cache = "With TensorRT-LLM, lower --max_batch_size or change --kv_cache_free_gpu_memory_fraction.",
        Share = "pass a lower --kv_cache_free_gpu_memory_fraction in runtime_arguments",
        Context = "--max_seq_len of TensorRT-LLM",
        RemoteCode = "--trust_remote_code",
    };

    private static readonly EngineOptions Llama = new()
    {
        Activations = "With llama-server, a lower --ubatch-size or fewer --n-gpu-layers also saves GPU memory.",
        Cache = "With llama-server, --cache-type-k q8_0 and --cache-type-v q8_0 halve the cache.",
        Share = "pass fewer --n-gpu-layers in runtime_arguments",
        Host = ", or lower context_tokens: llama-server keeps what the GPU does not hold in main memory",
        Context = "--ctx-size of llama-server",
    };

    private static readonly EngineOptions Ollama = Llama with
    {
        Activations = "With Ollama, a lower num_batch or num_gpu also saves GPU memory.",
        Cache = "With Ollama, OLLAMA_KV_CACHE_TYPE=q8_0 halves the cache.",
        Share = "set a lower num_gpu",
        Host = ", or lower num_ctx of Ollama",
        Context = "num_ctx of Ollama",
    };

    private static readonly EngineOptions Embeddings = new()
    {
        Activations = "With text-embeddings-inference, a lower --max-batch-tokens saves memory.",
        Cache = "With text-embeddings-inference, a lower --max-batch-tokens saves memory.",
        Share = "choose a GPU without other processes",
        Context = "the input limit of text-embeddings-inference",
    };

    private static readonly EngineOptions Other = new();

    /// <summary>For memory that weights and activations need; null without such an option.</summary>
    public string? Activations { get; private init; }

    /// <summary>For memory of the cache; null without such an option.</summary>
    public string? Cache { get; private init; }

    public string Share { get; private init; } = "choose a GPU without other processes";

    public string Host { get; private init; } = "";

    public string Context { get; private init; } = "the engine's context option";

    public string Quantization { get; private init; } = "";

    public string RemoteCode { get; private init; } = "--trust-remote-code";

    /// <param name="preset">Name of the runtime preset; a custom one is recognized by the engine in its name.</param>
    public static EngineOptions Of(string preset)
    {
        bool Names(string engine) => preset.Contains(engine, StringComparison.OrdinalIgnoreCase);
        return Names("vllm") ? Vllm
            : Names("sglang") ? Sglang
            : Names("ollama") ? Ollama
            : Names("llama") ? Llama
            : Names("trtllm") || Names("tensorrt") ? TensorRt
            : Names("tei") || Names("embedding") ? Embeddings
            : Names("tgi") || Names("text-generation") ? Tgi
            : Other;
    }
}

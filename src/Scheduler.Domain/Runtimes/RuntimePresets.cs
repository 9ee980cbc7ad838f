using System.Collections.Frozen;

namespace Scheduler.Domain.Runtimes;

/// <summary>The built-in presets; configuration may replace them or add others.</summary>
public static class RuntimePresets
{
    /// <summary>vLLM's OpenAI-compatible server. Its context is per sequence.</summary>
    public static readonly RuntimePreset Vllm = new()
    {
        Name = "vllm",
        Program = "vllm",
        Arguments =
        [
            "serve",
            "{model}",
            "--served-model-name",
            "{serving_name}",
            "--max-model-len",
            "{context}",
            "--max-num-seqs",
            "{parallel}",
            "--tensor-parallel-size",
            "{tp}",
            "--host",
            "{host}",
            "--port",
            "{port}",
        ],
        TokenizePath = "/tokenize",
        TokenizeShape = TokenizeShape.Vllm,
        Image = "vllm/vllm-openai:v0.11.0",
    };

    /// <summary>
    /// llama.cpp's server. The parallel slots share its <c>--ctx-size</c>, so the preset passes the product. 999 layers
    /// means all layers on the GPU; without a GPU the option has no effect.
    /// </summary>
    public static readonly RuntimePreset LlamaServer = new()
    {
        Name = "llama-server",
        Program = "llama-server",
        Arguments =
        [
            "{model_option}",
            "{model}",
            "--alias",
            "{serving_name}",
            "--ctx-size",
            "{context_total}",
            "--parallel",
            "{parallel}",
            "--n-gpu-layers",
            "999",
            "--host",
            "{host}",
            "--port",
            "{port}",
        ],
        TokenizePath = "/tokenize",
        TokenizeShape = TokenizeShape.LlamaServer,
        Image = "ghcr.io/ggml-org/llama.cpp:server-cuda",
    };

    public static readonly FrozenDictionary<string, RuntimePreset> BuiltIn = new[]
    {
        Vllm,
        LlamaServer,
    }.ToFrozenDictionary(preset => preset.Name, StringComparer.Ordinal);
}

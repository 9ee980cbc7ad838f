namespace Scheduler.ModelFit;

/// <summary>Format of keys and values in the KV cache. Stored by name.</summary>
public enum KvFormat
{
    /// <summary>16 bits per element: the default of every engine.</summary>
    Bf16 = 1,

    /// <summary>8 bits per element, scales per layer (vLLM's <c>--kv-cache-dtype fp8</c>).</summary>
    Fp8 = 2,

    /// <summary>8 bits per element and a 32-bit scale per token and head, for keys and for values.</summary>
    Int8PerTokenHead = 3,

    /// <summary>ggml Q8_0: 34 bytes per 32 elements (llama.cpp).</summary>
    Q8 = 4,

    /// <summary>ggml Q4_0: 18 bytes per 32 elements (llama.cpp).</summary>
    Q4 = 5,
}

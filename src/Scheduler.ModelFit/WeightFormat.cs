using System.Diagnostics.CodeAnalysis;

namespace Scheduler.ModelFit;

/// <summary>Number format of a weight matrix in VRAM. Stored by name.</summary>
public enum WeightFormat
{
    /// <summary>16 bits per weight, bfloat16 or float16: the format of most published files.</summary>
    Bf16 = 1,

    /// <summary>32 bits per weight; only for such tensors of a GGUF file, or on explicit request.</summary>
    Fp32 = 2,

    /// <summary>8-bit floating point, with scales per tensor, channel or block.</summary>
    Fp8 = 3,

    [SuppressMessage("Naming", "CA1720", Justification = "Engines and publishers call the format INT8.")]
    Int8 = 4,

    /// <summary>4-bit integers, a scale and often a zero point per group: AWQ, GPTQ, compressed-tensors.</summary>
    Int4 = 5,

    /// <summary>NVIDIA's 4-bit floating point: one FP8 scale per 16 weights.</summary>
    NvFp4 = 6,

    /// <summary>OCP microscaling 4-bit floating point: one 8-bit exponent per 32 weights.</summary>
    MxFp4 = 7,

    /// <summary>Any mixture of ggml types in a GGUF file; its tensor list gives the bytes.</summary>
    Gguf = 8,
}

using System.Diagnostics.CodeAnalysis;

namespace Scheduler.Domain.Compatibility;

/// <summary>How the numbers of a weight matrix are held in VRAM. Stored by name.</summary>
public enum WeightFormat
{
    /// <summary>16 bits a weight, bfloat16 or float16: the format of most published files.</summary>
    Bf16 = 1,

    /// <summary>32 bits a weight; only tensors of a GGUF file that say so, or an explicit wish.</summary>
    Fp32 = 2,

    /// <summary>8-bit floating point, with scales per tensor, per channel or per block.</summary>
    Fp8 = 3,

    /// <summary>8-bit integers with scales.</summary>
    [SuppressMessage("Naming", "CA1720", Justification = "INT8 is what engines and publishers call the format.")]
    Int8 = 4,

    /// <summary>4-bit integers with a scale (and often a zero point) per group of weights: AWQ, GPTQ, compressed-tensors.</summary>
    Int4 = 5,

    /// <summary>NVIDIA's 4-bit floating point: one FP8 scale per 16 weights.</summary>
    NvFp4 = 6,

    /// <summary>OCP microscaling 4-bit floating point: one 8-bit exponent per 32 weights.</summary>
    MxFp4 = 7,

    /// <summary>Whatever mixture of ggml types a GGUF file holds; bytes are taken from its tensor list.</summary>
    Gguf = 8,
}

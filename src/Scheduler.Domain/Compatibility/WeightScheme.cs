using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Scheduler.Domain.Compatibility;

/// <summary>A <see cref="WeightFormat"/> with what decides its overhead: how many weights share one scale, and how wide that scale is.</summary>
/// <param name="Format">Width of the weights themselves.</param>
/// <param name="GroupSize">Weights of one row that share a scale; 0 means one scale per output row, -1 one for the whole matrix.</param>
/// <param name="BlockRows">Output rows that share a scale (128 in block FP8); 1 where every row has its own.</param>
/// <param name="ScaleBits">Bits of one scale, zero point included.</param>
[StructLayout(LayoutKind.Auto)]
[GenerateSerializer, Immutable, Alias("scheduler.WeightScheme")]
public readonly record struct WeightScheme(
    [property: Id(0)] WeightFormat Format,
    [property: Id(1)] int GroupSize,
    [property: Id(2)] int BlockRows,
    [property: Id(3)] int ScaleBits
)
{
    /// <summary>Plain 16 bits, no scales.</summary>
    public static readonly WeightScheme Sixteen = new(WeightFormat.Bf16, -1, 1, 0);

    /// <summary>The scheme an engine uses when it is told only the format (its own on-the-fly or customary offline quantization).</summary>
    /// <remarks>
    /// INT4 is AWQ's customary layout: groups of 128, a 16-bit scale and a 4-bit zero point, 4.16 bits a weight. FP8 and INT8 keep one
    /// 32-bit scale per output row. NVFP4 keeps one 8-bit scale per 16 weights, MXFP4 one per 32 (OCP MX specification 1.0).
    /// </remarks>
    /// <param name="format">The format.</param>
    public static WeightScheme Customary(WeightFormat format) =>
        format switch
        {
            WeightFormat.Bf16 => Sixteen,
            WeightFormat.Fp32 => new(WeightFormat.Fp32, -1, 1, 0),
            WeightFormat.Fp8 => new(WeightFormat.Fp8, 0, 1, 32),
            WeightFormat.Int8 => new(WeightFormat.Int8, 0, 1, 32),
            WeightFormat.Int4 => new(WeightFormat.Int4, 128, 1, 20),
            WeightFormat.NvFp4 => new(WeightFormat.NvFp4, 16, 1, 8),
            WeightFormat.MxFp4 => new(WeightFormat.MxFp4, 32, 1, 8),
            // A GGUF mixture has no rule; Q4_K_M's 4.91 bits on a 7.6B model (gguf-parser's README) is the usual choice.
            WeightFormat.Gguf => new(WeightFormat.Gguf, 32, 1, 29),
            _ => throw new UnreachableException(),
        };

    /// <summary>Bits of one weight, scales left out.</summary>
    public int Bits =>
        Format switch
        {
            WeightFormat.Fp32 => 32,
            WeightFormat.Bf16 => 16,
            WeightFormat.Fp8 or WeightFormat.Int8 => 8,
            WeightFormat.Int4 or WeightFormat.NvFp4 or WeightFormat.MxFp4 or WeightFormat.Gguf => 4,
            _ => throw new UnreachableException(),
        };

    /// <summary>How many scales a matrix carries.</summary>
    /// <param name="rows">Output features.</param>
    /// <param name="columns">Input features.</param>
    public long Scales(long rows, long columns)
    {
        if (ScaleBits == 0)
        {
            return 0;
        }

        var groups = GroupSize > 0 ? Divide.Up(columns, GroupSize) : 1;
        return GroupSize < 0 ? 1 : checked(Divide.Up(rows, Math.Max(1, BlockRows)) * groups);
    }

    /// <summary>Bytes of one matrix with its scales, each rounded up to whole bytes.</summary>
    /// <param name="rows">Output features.</param>
    /// <param name="columns">Input features.</param>
    public long Bytes(long rows, long columns) =>
        checked(Divide.Up(rows * columns * Bits, 8) + Divide.Up(Scales(rows, columns) * ScaleBits, 8));
}

using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Scheduler.ModelFit;

/// <summary>A <see cref="WeightFormat"/> with the number of weights per scale and the width of a scale.</summary>
/// <param name="GroupSize">
/// Weights of one row per scale; 0 means one scale per output row, -1 one for the whole matrix.
/// </param>
/// <param name="BlockRows">Output rows per scale (128 in block FP8); 1 when every row has its own.</param>
/// <param name="ScaleBits">Bits of one scale, including the zero point.</param>
[StructLayout(LayoutKind.Auto)]
[GenerateSerializer, Immutable, Alias("scheduler.WeightScheme")]
public readonly record struct WeightScheme(
    [property: Id(0)] WeightFormat Format,
    [property: Id(1)] int GroupSize,
    [property: Id(2)] int BlockRows,
    [property: Id(3)] int ScaleBits
)
{
    public static readonly WeightScheme Sixteen = new(WeightFormat.Bf16, -1, 1, 0);

    /// <summary>The scheme that an engine uses when only the format is given.</summary>
    /// <remarks>
    /// INT4 is AWQ's usual layout: groups of 128, a 16-bit scale and a 4-bit zero point, 4.16 bits per weight. FP8 and
    /// INT8 have one 32-bit scale per output row. NVFP4 has one 8-bit scale per 16 weights, MXFP4 one per 32 (OCP MX
    /// specification 1.0).
    /// </remarks>
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
            // A GGUF mixture has no fixed size; 4.91 bits of Q4_K_M on a 7.6B model (gguf-parser's README) is the usual
            // choice.
            WeightFormat.Gguf => new(WeightFormat.Gguf, 32, 1, 29),
            _ => throw new UnreachableException(),
        };

    public int Bits =>
        Format switch
        {
            WeightFormat.Fp32 => 32,
            WeightFormat.Bf16 => 16,
            WeightFormat.Fp8 or WeightFormat.Int8 => 8,
            WeightFormat.Int4 or WeightFormat.NvFp4 or WeightFormat.MxFp4 or WeightFormat.Gguf => 4,
            _ => throw new UnreachableException(),
        };

    public long Scales(long rows, long columns)
    {
        if (ScaleBits == 0)
        {
            return 0;
        }

        var groups = GroupSize > 0 ? Divide.Up(columns, GroupSize) : 1;
        return GroupSize < 0 ? 1 : checked(Divide.Up(rows, Math.Max(1, BlockRows)) * groups);
    }

    /// <summary>Bytes of one matrix and of its scales, each rounded up to whole bytes.</summary>
    public long Bytes(long rows, long columns) =>
        checked(Divide.Up(rows * columns * Bits, 8) + Divide.Up(Scales(rows, columns) * ScaleBits, 8));
}

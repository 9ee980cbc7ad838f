using System.Collections.Immutable;

namespace Scheduler.ModelFit;

/// <summary>One catalogue entry: properties that decide whether a model fits and how fast it may run.</summary>
public sealed record GpuType
{
    /// <summary>Catalogue name as used in offers (<c>H100-80GB-SXM</c>).</summary>
    public string Name { get; init; } = "";

    /// <summary>Names that providers use; several GPU types may share one.</summary>
    public ImmutableArray<string> Aliases { get; init; } = [];

    /// <summary>NVIDIA, AMD or Intel. Only NVIDIA runs CUDA.</summary>
    public string Vendor { get; init; } = "";

    public string Architecture { get; init; } = "";

    /// <summary>Total memory that the driver reports, bytes; nominal when no driver figure is known.</summary>
    public long VramBytes { get; init; }

    /// <summary>Nominal size, GiB; to recognise an offer and to compare sizes as people do, never to judge a fit.</summary>
    public int NominalGib { get; init; }

    /// <summary>Memory bandwidth, GB/s (10^9); null when unknown.</summary>
    public double? BandwidthGbPerSecond { get; init; }

    /// <summary>Whether matrix units multiply FP8 natively.</summary>
    public bool SupportsFp8 { get; init; }

    /// <summary>Whether matrix units multiply FP4 natively.</summary>
    public bool SupportsFp4 { get; init; }

    /// <summary>Connection between GPUs of one host (<c>NVLink</c>, <c>PCIe</c>).</summary>
    public string Interconnect { get; init; } = "";

    public bool IsCuda => string.Equals(Vendor, "NVIDIA", StringComparison.Ordinal);

    /// <summary>Native support of the matrix units. Always true for formats that every GPU can unpack.</summary>
    public bool Supports(WeightFormat format) =>
        format switch
        {
            WeightFormat.Fp8 => SupportsFp8,
            WeightFormat.NvFp4 or WeightFormat.MxFp4 => SupportsFp4,
            WeightFormat.Bf16 or WeightFormat.Fp32 or WeightFormat.Int8 or WeightFormat.Int4 or WeightFormat.Gguf =>
                true,
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    /// <summary>
    /// Whether an engine can run this weight format on this GPU. FP8 and FP4 weights are unpacked first when the matrix
    /// units do not support them; the kernels for this (Marlin) need Ampere or later.
    /// </summary>
    public bool CanRun(WeightFormat format) =>
        Supports(format) || (IsCuda && Architecture is not ("Pascal" or "Volta" or "Turing"));
}

/// <param name="Count">Number of GPUs, ≥ 1.</param>
public sealed record GpuGroup(GpuType Gpu, int Count)
{
    public long TotalVramBytes => checked(Gpu.VramBytes * Count);
}

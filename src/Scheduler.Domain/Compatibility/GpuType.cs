using System.Collections.Immutable;

namespace Scheduler.Domain.Compatibility;

/// <summary>One catalogue entry: what of a GPU decides whether a model fits, and how fast it could be.</summary>
public sealed record GpuType
{
    /// <summary>Catalogue name, as offers carry it (<c>H100-80GB-SXM</c>).</summary>
    public string Name { get; init; } = "";

    /// <summary>Names providers use; several GPU types may share one.</summary>
    public ImmutableArray<string> Aliases { get; init; } = [];

    /// <summary>NVIDIA, AMD or Intel. Only NVIDIA runs CUDA.</summary>
    public string Vendor { get; init; } = "";

    /// <summary>Vendor's architecture name (<c>Hopper</c>).</summary>
    public string Architecture { get; init; } = "";

    /// <summary>Total memory the driver reports, bytes; nominal where no driver figure is known.</summary>
    public long VramBytes { get; init; }

    /// <summary>Marketing size, GiB; used only to recognise an offer.</summary>
    public int NominalGib { get; init; }

    /// <summary>Memory bandwidth, GB/s (10^9), or null where unknown.</summary>
    public double? BandwidthGbPerSecond { get; init; }

    /// <summary>Whether matrix units multiply FP8 natively.</summary>
    public bool SupportsFp8 { get; init; }

    /// <summary>Whether matrix units multiply FP4 natively.</summary>
    public bool SupportsFp4 { get; init; }

    /// <summary>How GPUs of one host talk to each other (<c>NVLink</c>, <c>PCIe</c>).</summary>
    public string Interconnect { get; init; } = "";

    /// <summary>Whether CUDA runs on it.</summary>
    public bool IsCuda => string.Equals(Vendor, "NVIDIA", StringComparison.Ordinal);

    /// <summary>Whether the matrix units multiply this weight format natively. Formats that are unpacked first run everywhere.</summary>
    /// <param name="format">The format.</param>
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
    /// Whether an engine can run this weight format here at all. FP8 and FP4 weights are unpacked first where the matrix units lack them;
    /// the kernels that do so (Marlin) need Ampere or later.
    /// </summary>
    /// <param name="format">The format.</param>
    public bool CanRun(WeightFormat format) =>
        Supports(format) || (IsCuda && Architecture is not ("Pascal" or "Volta" or "Turing"));
}

/// <summary>Some GPUs of one type in one host.</summary>
/// <param name="Gpu">The type.</param>
/// <param name="Count">How many, ≥ 1.</param>
public sealed record GpuGroup(GpuType Gpu, int Count)
{
    /// <summary>All their memory together, bytes.</summary>
    public long TotalVramBytes => checked(Gpu.VramBytes * Count);
}

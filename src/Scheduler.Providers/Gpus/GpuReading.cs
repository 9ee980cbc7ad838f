using System.Collections.Immutable;

namespace Scheduler.Providers.Gpus;

/// <summary>What the tools of a host tell about its GPUs.</summary>
/// <param name="Faults">One entry for each GPU or tool that cannot be read.</param>
internal sealed record GpuReading(ImmutableArray<HostGpu> Gpus, ImmutableArray<GpuFault> Faults)
{
    internal static readonly GpuReading None = new([], []);

    internal static GpuReading Of(params ImmutableArray<GpuFault> faults) => new([], faults);

    internal GpuReading And(GpuReading other) => new([.. Gpus, .. other.Gpus], [.. Faults, .. other.Faults]);
}

/// <summary>Why a GPU is not offered, or a tool told nothing.</summary>
internal enum GpuFault
{
    /// <summary>A line or an entry without a name, an id or a size of memory.</summary>
    Unreadable,

    /// <summary>The tool is installed and ended with an error, for example because the driver does not answer.</summary>
    ToolFailed,

    /// <summary>The tool printed what is no list of GPUs.</summary>
    ToolUnreadable,

    /// <summary>The GPU is in MIG mode and has no slices, so nothing can run on it.</summary>
    MigWithoutSlices,

    /// <summary>The driver lost the GPU: its memory or its id is not known (<c>[GPU is lost]</c>, <c>[Unknown Error]</c>).</summary>
    Lost,
}

internal static class GpuFaults
{
    /// <summary>The reason in a listing of offers.</summary>
    internal static string WireName(this GpuFault fault) =>
        fault switch
        {
            GpuFault.Unreadable => "unreadable",
            GpuFault.ToolFailed => "tool_failed",
            GpuFault.ToolUnreadable => "tool_unreadable",
            GpuFault.MigWithoutSlices => "mig_without_slices",
            GpuFault.Lost => "gpu_lost",
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}

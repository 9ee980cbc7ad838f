namespace Scheduler.Domain.Placement;

/// <summary>The GPU type and GPU count of an instance; the fit of a model is decided per shape.</summary>
/// <param name="GpuType">Name in the GPU catalogue.</param>
/// <param name="GpuCount">GPUs in the instance, ≥ 1.</param>
[GenerateSerializer, Immutable, Alias("scheduler.GpuShape")]
public readonly record struct GpuShape([property: Id(0)] string GpuType, [property: Id(1)] int GpuCount)
    : IComparable<GpuShape>
{
    /// <summary>By name (ordinal), then by count. A snapshot lists its shapes in this order.</summary>
    public int CompareTo(GpuShape other)
    {
        var byName = string.CompareOrdinal(GpuType, other.GpuType);
        return byName != 0 ? byName : GpuCount.CompareTo(other.GpuCount);
    }

    public override string ToString() => $"{GpuCount} × {GpuType}";

    public static bool operator <(GpuShape a, GpuShape b) => a.CompareTo(b) < 0;

    public static bool operator >(GpuShape a, GpuShape b) => a.CompareTo(b) > 0;

    public static bool operator <=(GpuShape a, GpuShape b) => a.CompareTo(b) <= 0;

    public static bool operator >=(GpuShape a, GpuShape b) => a.CompareTo(b) >= 0;
}

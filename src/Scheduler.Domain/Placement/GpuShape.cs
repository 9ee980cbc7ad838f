namespace Scheduler.Domain.Placement;

/// <summary>What a model has to fit on: one GPU type, so many times, in one instance.</summary>
/// <param name="GpuType">Catalogue name.</param>
/// <param name="GpuCount">GPUs in the instance, ≥ 1.</param>
[GenerateSerializer, Immutable, Alias("scheduler.GpuShape")]
public readonly record struct GpuShape([property: Id(0)] string GpuType, [property: Id(1)] int GpuCount)
    : IComparable<GpuShape>
{
    /// <summary>By name (ordinal), then by count: the order in which a snapshot lists its shapes.</summary>
    public int CompareTo(GpuShape other)
    {
        var byName = string.CompareOrdinal(GpuType, other.GpuType);
        return byName != 0 ? byName : GpuCount.CompareTo(other.GpuCount);
    }

    /// <summary><c>4 × L40S</c>.</summary>
    public override string ToString() => $"{GpuCount} × {GpuType}";

#pragma warning disable CS1591 // operators say what they do
    public static bool operator <(GpuShape a, GpuShape b) => a.CompareTo(b) < 0;

    public static bool operator >(GpuShape a, GpuShape b) => a.CompareTo(b) > 0;

    public static bool operator <=(GpuShape a, GpuShape b) => a.CompareTo(b) <= 0;

    public static bool operator >=(GpuShape a, GpuShape b) => a.CompareTo(b) >= 0;
#pragma warning restore CS1591
}

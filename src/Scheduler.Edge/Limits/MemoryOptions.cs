using System.ComponentModel.DataAnnotations;

namespace Scheduler.Edge.Limits;

/// <summary>Memory that requests of all callers may use in this process; configuration section <c>Memory</c>.</summary>
public sealed class MemoryOptions
{
    public const string Section = "Memory";

    /// <summary>A smaller budget would refuse a few large bodies of one caller.</summary>
    private const long LeastShare = 64L << 20;

    private const int Mebi = 20;

    /// <summary>
    /// Share of the memory of this process that requests may hold, percent, 1 to 60. The memory is that of the host, or
    /// three quarters of the limit of its container. The budget is at least 64 MiB.
    /// </summary>
    /// <value>12: grains, pages and the collector need the rest, and bodies are rarely large.</value>
    [Range(1, 60)]
    public int BudgetPercent { get; set; } = 12;

    /// <summary>The budget in MiB instead of a share, up to 1,048,576; 0 takes the share.</summary>
    [Range(0, 1024 * 1024)]
    public int BudgetMiB { get; set; }

    /// <summary>The budget, bytes.</summary>
    /// <param name="available">Memory of this process, bytes.</param>
    internal long Bound(long available) =>
        BudgetMiB > 0 ? (long)BudgetMiB << Mebi : Math.Max(LeastShare, available / 100 * BudgetPercent);
}

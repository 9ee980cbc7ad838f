using System.Collections.Immutable;

namespace Scheduler.Dashboard.Shell;

/// <summary>Rows of a table.</summary>
internal static class Rows
{
    /// <summary>As the grid takes them; it cannot count an immutable array.</summary>
    public static IQueryable<T> AsRows<T>(this ImmutableArray<T> items) => items.ToArray().AsQueryable();
}

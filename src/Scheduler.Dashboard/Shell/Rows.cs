using System.Collections.Immutable;

namespace Scheduler.Dashboard.Shell;

internal static class Rows
{
    /// <summary>As an <see cref="IQueryable{T}"/> for the grid, which cannot count an immutable array.</summary>
    public static IQueryable<T> AsRows<T>(this ImmutableArray<T> items) => items.ToArray().AsQueryable();
}

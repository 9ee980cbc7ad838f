namespace Scheduler.Storage;

/// <summary>The most rows any list hands out at once.</summary>
internal static class PageLimit
{
    private const int Most = 1000;

    public static void Check(int limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, Most);
    }
}

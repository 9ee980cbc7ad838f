namespace Scheduler.Storage;

internal static class PageLimit
{
    private const int Most = 1000;

    public static void Check(int limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, Most);
    }
}

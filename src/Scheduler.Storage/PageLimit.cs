namespace Scheduler.Storage;

/// <summary>Largest page of a list: 1000 rows.</summary>
internal static class PageLimit
{
    private const int Most = 1000;

    public static void Check(int limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, Most);
    }
}

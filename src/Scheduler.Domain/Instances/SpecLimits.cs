namespace Scheduler.Domain.Instances;

/// <summary>The API enforces these ranges, and the scheduler's own proposals stay within them.</summary>
public static class SpecLimits
{
    /// <summary>The minimum is 1.</summary>
    public const long LargestContextTokens = 16_777_216;

    /// <summary>The minimum is 1.</summary>
    public const int MostSequences = 4096;

    /// <summary>The minimum is 1.</summary>
    public const int MostGpus = 64;

    public const int LongestList = 64;

    /// <summary>Longest value of an environment variable, characters.</summary>
    public const int LongestVariable = 16_384;

    /// <summary>For capacity and for the runtime.</summary>
    public static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(1);

    /// <summary>For capacity and for the runtime.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromHours(24);

    /// <summary>For capacity to appear; the minimum is 0, which means that the launch fails at once.</summary>
    public static readonly TimeSpan LongestWaitForCapacity = TimeSpan.FromDays(7);
}

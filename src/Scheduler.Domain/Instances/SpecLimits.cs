namespace Scheduler.Domain.Instances;

/// <summary>
/// The ranges of a launch spec. The API enforces them, and the scheduler's own proposals stay within them.
/// </summary>
public static class SpecLimits
{
    /// <summary>Maximum context length, tokens; the minimum is 1.</summary>
    public const long LargestContextTokens = 16_777_216;

    /// <summary>Maximum number of parallel sequences; the minimum is 1.</summary>
    public const int MostSequences = 4096;

    /// <summary>Maximum number of GPUs of one instance; the minimum is 1.</summary>
    public const int MostGpus = 64;

    /// <summary>Maximum number of items of a list.</summary>
    public const int LongestList = 64;

    /// <summary>Minimum allocation timeout and start timeout.</summary>
    public static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(1);

    /// <summary>Maximum allocation timeout and start timeout.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromHours(24);
}

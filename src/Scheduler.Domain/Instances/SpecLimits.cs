namespace Scheduler.Domain.Instances;

/// <summary>The ranges a launch spec keeps to. The door holds callers to them, and what the scheduler proposes stays within them.</summary>
public static class SpecLimits
{
    /// <summary>Largest context, tokens; the smallest is 1.</summary>
    public const long LargestContextTokens = 16_777_216;

    /// <summary>Most sequences at once; the fewest is 1.</summary>
    public const int MostSequences = 4096;

    /// <summary>Most GPUs of one instance; the fewest is 1.</summary>
    public const int MostGpus = 64;

    /// <summary>Most items of a list.</summary>
    public const int LongestList = 64;

    /// <summary>Shortest wait, for capacity or for the runtime.</summary>
    public static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait, for capacity or for the runtime.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromHours(24);
}

namespace Scheduler.Grains.Instances;

/// <summary>The growing pause between two attempts of the same call.</summary>
internal static class RetryPause
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    /// <summary>Twice the pause, at most 10 s.</summary>
    public static TimeSpan Next(TimeSpan pause) => pause * 2 > Longest ? Longest : pause * 2;
}

namespace Scheduler.Edge.Limits;

/// <summary>The limits of one door in one process. What 0 means is said with each; all are counted apart from other doors'.</summary>
internal sealed record LimitSettings
{
    /// <summary>What one account key may send.</summary>
    public required KeyLimits.Limits Account { get; init; }

    /// <summary>What one operator key may send.</summary>
    public required KeyLimits.Limits Operator { get; init; }

    /// <summary>Requests without a good key from one address.</summary>
    public required Rate Unknown { get; init; }

    /// <summary>Requests of all callers under way at once, streams apart; at least 1.</summary>
    public required int Requests { get; init; }

    /// <summary>Requests that wait for their turn when all places are taken.</summary>
    public required int Queued { get; init; }

    /// <summary>How long a request waits for its turn.</summary>
    public required TimeSpan QueueWait { get; init; }

    /// <summary>Streams of all callers open at once; at least 1.</summary>
    public required int Streams { get; init; }
}

namespace Scheduler.Edge.Limits;

/// <summary>
/// The limits of one endpoint (API, gateway or dashboard) in one process. Each endpoint has its own counters.
/// </summary>
internal sealed record LimitSettings
{
    public required KeyLimits.Limits Account { get; init; }

    public required KeyLimits.Limits Operator { get; init; }

    /// <summary>Rate of requests without a valid key from one address.</summary>
    public required Rate Unknown { get; init; }

    /// <summary>Requests of all callers in progress, without streams; at least 1.</summary>
    public required int Requests { get; init; }

    /// <summary>Requests that may wait in the queue while the limit is reached.</summary>
    public required int Queued { get; init; }

    public required TimeSpan QueueWait { get; init; }

    /// <summary>Open streams of all callers; at least 1.</summary>
    public required int Streams { get; init; }
}

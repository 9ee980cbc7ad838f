using System.Diagnostics;

namespace Scheduler.Domain.Providers;

/// <summary>State of a provider's circuit breaker.</summary>
public enum BreakerState
{
    /// <summary>Allocations are allowed.</summary>
    Closed = 0,

    /// <summary>Too many attempts failed; no allocation starts until the open time ends.</summary>
    Open = 1,

    /// <summary>Attempts are allowed again; the first to end closes or opens the breaker.</summary>
    HalfOpen = 2,
}

public static class BreakerStates
{
    /// <summary>The name in grain messages and pages.</summary>
    public static string WireName(this BreakerState state) =>
        state switch
        {
            BreakerState.Closed => "closed",
            BreakerState.Open => "open",
            BreakerState.HalfOpen => "half_open",
            _ => throw new UnreachableException(),
        };

    /// <summary>Parses what <see cref="WireName"/> returns.</summary>
    public static BreakerState Parse(string name) =>
        name switch
        {
            "closed" => BreakerState.Closed,
            "open" => BreakerState.Open,
            "half_open" => BreakerState.HalfOpen,
            _ => throw new ArgumentException($"'{name}' is no state of a breaker.", nameof(name)),
        };
}

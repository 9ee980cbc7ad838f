using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Keys;

/// <summary>Why a door has no room for a request. Nothing of the request was done.</summary>
public abstract record LimitFacts() : FailureFacts(FailureCode.RateLimited);

/// <summary>A key has sent more requests than it may.</summary>
/// <param name="KeyId">The key.</param>
/// <param name="PerSecond">How many it may send a second in the long run.</param>
/// <param name="Burst">How many at once after a silence.</param>
/// <param name="RetryAfterSeconds">After how many seconds there is room for one more.</param>
public sealed record RequestRateFacts(string KeyId, int PerSecond, int Burst, int RetryAfterSeconds) : LimitFacts
{
    /// <inheritdoc/>
    protected internal override FailureText Describe() =>
        new(
            $"The key {KeyId} has sent more than {PerSecond} requests a second; this one was not carried out.",
            $"Try again after {RetryAfterSeconds} s; a key may send {Burst} requests at once and {PerSecond} a second.",
            Details(
                ("key_id", KeyId),
                ("requests_per_second", PerSecond),
                ("burst", Burst),
                ("retry_after_seconds", RetryAfterSeconds)
            )
        );
}

/// <summary>A key has as many requests under way as it may.</summary>
/// <param name="KeyId">The key.</param>
/// <param name="Limit">How many it may have.</param>
/// <param name="RetryAfterSeconds">After how many seconds trying again makes sense.</param>
public sealed record ParallelRequestFacts(string KeyId, int Limit, int RetryAfterSeconds) : LimitFacts
{
    /// <inheritdoc/>
    protected internal override FailureText Describe() =>
        new(
            $"The key {KeyId} has {Limit} requests under way, as many as one key may; this one was not carried out.",
            $"Wait for answers before you send more, and try again after {RetryAfterSeconds} s.",
            Details(("key_id", KeyId), ("request_limit", Limit), ("retry_after_seconds", RetryAfterSeconds))
        );
}

/// <summary>An address has sent too many requests without a good key.</summary>
/// <param name="Address">The IPv4 address or IPv6 /64.</param>
/// <param name="PerSecond">How many it may send a second in the long run.</param>
/// <param name="RetryAfterSeconds">After how many seconds it is listened to again.</param>
public sealed record UnknownCallerFacts(string Address, int PerSecond, int RetryAfterSeconds) : LimitFacts
{
    /// <inheritdoc/>
    protected internal override FailureText Describe() =>
        new(
            $"Too many requests without a good key came from {Address}; the key of this one was not looked at.",
            $"Try again after {RetryAfterSeconds} s, and correct the clients there: {PerSecond} such requests a second are answered.",
            Details(
                ("address", Address),
                ("requests_per_second", PerSecond),
                ("retry_after_seconds", RetryAfterSeconds)
            )
        );
}

/// <summary>A process has as much under way as it takes.</summary>
/// <param name="Kind">Requests or streams.</param>
/// <param name="Limit">How many it takes.</param>
/// <param name="RetryAfterSeconds">After how many seconds trying again makes sense.</param>
public sealed record FullDoorFacts(string Kind, int Limit, int RetryAfterSeconds) : LimitFacts
{
    /// <inheritdoc/>
    protected internal override FailureText Describe() =>
        new(
            $"The scheduler has {Limit} {Kind} of all callers under way here, as many as it takes; this one was not carried out.",
            $"Try again after {RetryAfterSeconds} s, or at another of its doors.",
            Details(("kind", Kind), ("process_limit", Limit), ("retry_after_seconds", RetryAfterSeconds))
        );
}

/// <summary>A key has as many streams open as it may.</summary>
/// <param name="KeyId">The key.</param>
/// <param name="Limit">How many it may have.</param>
/// <param name="RetryAfterSeconds">After how many seconds trying again makes sense.</param>
public sealed record StreamLimitFacts(string KeyId, int Limit, int RetryAfterSeconds) : LimitFacts
{
    /// <inheritdoc/>
    protected internal override FailureText Describe() =>
        new(
            $"The key {KeyId} has {Limit} streams open, as many as one key may.",
            $"Close a stream, or use another key, and try again after {RetryAfterSeconds} s.",
            Details(("key_id", KeyId), ("stream_limit", Limit), ("retry_after_seconds", RetryAfterSeconds))
        );
}

/// <summary>An instance has as many requests under way as it takes from one door.</summary>
/// <param name="ServingName">The instance.</param>
/// <param name="Limit">How many it takes.</param>
/// <param name="RetryAfterSeconds">After how many seconds trying again makes sense.</param>
public sealed record BusyInstanceFacts(string ServingName, int Limit, int RetryAfterSeconds) : LimitFacts
{
    /// <inheritdoc/>
    protected internal override FailureText Describe() =>
        new(
            $"'{ServingName}' has {Limit} requests under way, as many as one instance takes here; this one was not sent.",
            $"Try again after {RetryAfterSeconds} s, or put a balancer over more instances.",
            Details(
                ("serving_name", ServingName),
                ("instance_limit", Limit),
                ("retry_after_seconds", RetryAfterSeconds)
            )
        );
}

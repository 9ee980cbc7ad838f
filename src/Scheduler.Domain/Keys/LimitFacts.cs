using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Keys;

/// <summary>Why a request exceeds a limit. No part of the request was executed.</summary>
public abstract record LimitFacts() : FailureFacts(FailureCode.RateLimited);

/// <summary>A key exceeded its request rate.</summary>
/// <param name="PerSecond">Sustained rate, requests per second.</param>
/// <param name="Burst">Requests that an idle key may send at once.</param>
/// <param name="RetryAfterSeconds">Seconds until the next request is allowed.</param>
public sealed record RequestRateFacts(string KeyId, int PerSecond, int Burst, int RetryAfterSeconds) : LimitFacts
{
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

/// <summary>A key has reached its limit of requests in progress.</summary>
public sealed record ParallelRequestFacts(string KeyId, int Limit, int RetryAfterSeconds) : LimitFacts
{
    protected internal override FailureText Describe() =>
        new(
            $"The key {KeyId} has {Limit} requests in progress, the limit of one key; this one was not carried out.",
            $"Wait for answers before you send more, and try again after {RetryAfterSeconds} s.",
            Details(("key_id", KeyId), ("request_limit", Limit), ("retry_after_seconds", RetryAfterSeconds))
        );
}

/// <summary>An address sent too many requests without a valid key.</summary>
/// <param name="Address">The IPv4 address or IPv6 /64.</param>
/// <param name="PerSecond">Sustained rate, requests per second.</param>
/// <param name="RetryAfterSeconds">Seconds until requests from the address are read again.</param>
public sealed record UnknownCallerFacts(string Address, int PerSecond, int RetryAfterSeconds) : LimitFacts
{
    protected internal override FailureText Describe() =>
        new(
            $"Too many requests without a valid key came from {Address}; the key of this one was not checked.",
            $"Try again after {RetryAfterSeconds} s, and correct the clients there: {PerSecond} such requests a second are answered.",
            Details(
                ("address", Address),
                ("requests_per_second", PerSecond),
                ("retry_after_seconds", RetryAfterSeconds)
            )
        );
}

/// <summary>A process has reached its limit of requests or streams in progress.</summary>
/// <param name="Kind">Requests or streams.</param>
public sealed record OverloadFacts(string Kind, int Limit, int RetryAfterSeconds) : LimitFacts
{
    protected internal override FailureText Describe() =>
        new(
            $"The scheduler has {Limit} {Kind} of all callers in progress here, its limit; this one was not carried out.",
            $"Try again after {RetryAfterSeconds} s, or send it to another process of the scheduler.",
            Details(("kind", Kind), ("process_limit", Limit), ("retry_after_seconds", RetryAfterSeconds))
        );
}

/// <summary>Requests of all callers hold as much memory of a process as they may.</summary>
public sealed record MemoryFacts(long LimitBytes, int RetryAfterSeconds) : LimitFacts
{
    protected internal override FailureText Describe() =>
        new(
            $"Requests of all callers hold {LimitBytes} bytes of memory here, the limit; this one was not carried out.",
            $"Try again after {RetryAfterSeconds} s, or send it to another process of the scheduler.",
            Details(("process_limit_bytes", LimitBytes), ("retry_after_seconds", RetryAfterSeconds))
        );
}

/// <summary>Requests of one key hold as much memory of a process as they may.</summary>
public sealed record KeyMemoryFacts(string KeyId, long LimitBytes, int RetryAfterSeconds) : LimitFacts
{
    protected internal override FailureText Describe() =>
        new(
            $"Requests of the key {KeyId} hold {LimitBytes} bytes of memory here, the limit of one key; this one was not carried out.",
            $"Wait for answers before you send more large requests, and try again after {RetryAfterSeconds} s.",
            Details(("key_id", KeyId), ("key_limit_bytes", LimitBytes), ("retry_after_seconds", RetryAfterSeconds))
        );
}

/// <summary>A key has reached its limit of open streams.</summary>
public sealed record StreamLimitFacts(string KeyId, int Limit, int RetryAfterSeconds) : LimitFacts
{
    protected internal override FailureText Describe() =>
        new(
            $"The key {KeyId} has {Limit} streams open, the limit of one key.",
            $"Close a stream, or use another key, and try again after {RetryAfterSeconds} s.",
            Details(("key_id", KeyId), ("stream_limit", Limit), ("retry_after_seconds", RetryAfterSeconds))
        );
}

/// <summary>An instance has reached its limit of requests in progress from one gateway.</summary>
public sealed record BusyInstanceFacts(string ServingName, int Limit, int RetryAfterSeconds) : LimitFacts
{
    protected internal override FailureText Describe() =>
        new(
            $"'{ServingName}' has {Limit} requests in progress, the limit of one instance here; this one was not sent.",
            $"Try again after {RetryAfterSeconds} s, or put a balancer over more instances.",
            Details(
                ("serving_name", ServingName),
                ("instance_limit", Limit),
                ("retry_after_seconds", RetryAfterSeconds)
            )
        );
}

/// <summary>A runtime said that it has no room for the request now. That says nothing about its health.</summary>
/// <param name="Status">HTTP status of the runtime's answer: 429 or 503.</param>
/// <param name="RetryAfterSeconds">As the runtime asked; 1 where it did not.</param>
/// <param name="Words">Error message of the runtime, cleaned and truncated; null without one.</param>
public sealed record FullRuntimeFacts(string ServingName, int Status, int RetryAfterSeconds, string? Words) : LimitFacts
{
    protected internal override FailureText Describe() =>
        new(
            $"The runtime of '{ServingName}' has no room for the request now.",
            $"Try again after {RetryAfterSeconds} s, or put a balancer over more instances.",
            Details(
                ("serving_name", ServingName),
                ("upstream_status", Status),
                ("upstream_message", Words),
                ("retry_after_seconds", RetryAfterSeconds)
            )
        );
}

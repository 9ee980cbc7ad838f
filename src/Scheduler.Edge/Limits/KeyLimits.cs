using Scheduler.Domain.Failures;
using Scheduler.Domain.Keys;
using Scheduler.Grains.Keys;

namespace Scheduler.Edge.Limits;

/// <summary>The limits of each key. A flood from one key does not affect other keys.</summary>
internal sealed class KeyLimits(LimitSettings settings, TimeProvider clock)
{
    /// <summary>Time after its last request for which a key counts as recently valid.</summary>
    public static readonly TimeSpan RememberedFor = TimeSpan.FromMinutes(10);

    /// <summary>Maximum number of keys with their own counters, the same as in the key cache.</summary>
    public const int Capacity = 100_000;

    // The end of a request or stream is unknown; most requests end within a second.
    private const int RequestRetrySeconds = 1;
    private const int StreamRetrySeconds = 5;

    private readonly Partitions<string, KeyPartition> _keys = new(Capacity, clock);

    public int Count => _keys.Count;

    /// <summary>Counts one request against the rate of its key.</summary>
    /// <param name="authorization">
    /// The header of the request; <see cref="WasGood"/> recognizes the key by its fingerprint.
    /// </param>
    /// <param name="left">The rest of the rate; null for a key without a limit.</param>
    /// <returns>The refusal; null if the request is admitted.</returns>
    public ApiError? Take(Caller caller, string authorization, out RateLeft? left)
    {
        var rate = LimitsOf(caller).Rate;
        var (isTaken, seen) = _keys.With(
            caller.KeyId,
            (rate, authorization, Keys: _keys, Clock: clock),
            static (key, at) =>
            {
                var now = at.Clock.GetTimestamp();
                key.LastSeen = now;
                key.Frequency = at.Clock.TimestampFrequency;
                key.Fingerprint ??= at.Keys.IsShared(key) ? null : FingerprintOf(at.authorization);
                if (!at.rate.IsLimited)
                {
                    return (true, default(RateLeft?));
                }

                var isTaken = key.Bucket.TryTake(at.rate, now, key.Frequency);
                return (isTaken, (RateLeft?)key.Bucket.Peek(at.rate, now, key.Frequency));
            }
        );
        left = seen;
        if (isTaken)
        {
            return null;
        }

        var wait = left!.Value.Next;
        var facts = new RequestRateFacts(
            caller.KeyId,
            rate.PerSecond,
            rate.Burst,
            (int)Math.Ceiling(wait.TotalSeconds)
        );
        return ApiError.Of(FailureCatalogue.Describe(facts)) with { RetryAfter = wait };
    }

    /// <summary>
    /// Whether a header holds a key that was recently valid here. The key may have been revoked since.
    /// </summary>
    public bool WasGood(string authorization)
    {
        if (TokenOf(authorization) is not { } token || _keys.Find(token.KeyId) is not { } key)
        {
            return false;
        }

        lock (key.Gate)
        {
            return string.Equals(key.Fingerprint, KeyAuthority.Fingerprint(token), StringComparison.Ordinal);
        }
    }

    /// <summary>Counts a request or stream as in progress.</summary>
    /// <param name="isStream">Streams have their own counter.</param>
    /// <param name="key">The argument for <see cref="Leave"/> at the end of the request.</param>
    /// <returns>The refusal; null if the request is admitted.</returns>
    public ApiError? Enter(Caller caller, bool isStream, int weight, out KeyPartition? key)
    {
        var limits = LimitsOf(caller);
        key = _keys.With(
            caller.KeyId,
            (limits, isStream, weight),
            static (key, wish) => key.TryEnter(wish.limits, wish.isStream, wish.weight) ? key : null
        );
        return key is not null ? null
            : isStream ? Refusal(new StreamLimitFacts(caller.KeyId, limits.Streams, StreamRetrySeconds))
            : Refusal(new ParallelRequestFacts(caller.KeyId, limits.Requests, RequestRetrySeconds));
    }

    public static void Leave(KeyPartition key, bool isStream, int weight)
    {
        lock (key.Gate)
        {
            (isStream ? ref key.Streams : ref key.Requests) -= weight;
        }
    }

    /// <summary>Counts memory of a request of the key; a request that needs more than the limit passes alone.</summary>
    /// <param name="own">Bytes that the request holds already.</param>
    /// <param name="limit">Bytes.</param>
    /// <returns>Whether it was counted.</returns>
    public static bool TryHold(KeyPartition key, long own, long bytes, long limit)
    {
        lock (key.Gate)
        {
            if (key.Bytes > own && key.Bytes + bytes > limit)
            {
                return false;
            }

            key.Bytes += bytes;
            return true;
        }
    }

    public static void LetGo(KeyPartition key, long bytes)
    {
        lock (key.Gate)
        {
            key.Bytes -= bytes;
        }
    }

    private static ApiError Refusal(FailureFacts facts) => ApiError.Of(FailureCatalogue.Describe(facts));

    private Limits LimitsOf(Caller caller) => caller.IsOperator ? settings.Operator : settings.Account;

    private static string? FingerprintOf(string authorization) =>
        TokenOf(authorization) is { } token ? KeyAuthority.Fingerprint(token) : null;

    private static KeyToken? TokenOf(string authorization) =>
        KeyToken.TryParse(
            authorization[(authorization.IndexOf(' ', StringComparison.Ordinal) + 1)..].Trim(),
            out var token
        )
            ? token
            : null;

    internal sealed class KeyPartition : Partition
    {
        public TokenBucket Bucket;
        public int Requests;
        public int Streams;

        /// <summary>Memory that its requests hold; zero while none is in progress.</summary>
        public long Bytes;
        public long LastSeen;
        public long Frequency = 1;
        public string? Fingerprint;

        public bool TryEnter(Limits limits, bool isStream, int weight)
        {
            ref var open = ref isStream ? ref Streams : ref Requests;
            var limit = isStream ? limits.Streams : limits.Requests;

            // A request that weighs more than the limit passes if nothing else of the key is in progress.
            if (limit > 0 && open > 0 && open + weight > limit)
            {
                return false;
            }

            open += weight;
            return true;
        }

        public override bool IsIdle(long now) =>
            Requests == 0
            && Streams == 0
            && Bucket.IsFull(now)
            && now - LastSeen >= (long)RememberedFor.TotalSeconds * Frequency;
    }

    /// <summary>The limits of one kind of keys; 0 is no limit.</summary>
    internal sealed record Limits(Rate Rate, int Requests, int Streams);
}
